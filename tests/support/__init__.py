"""What all end-to-end suites share: programs under test, a scripted upstream, a raw client."""
