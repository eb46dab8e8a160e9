"""Many at once: connections that do nothing, clients that dawdle, streams by the thousand, and
processes that go away in the middle of it. The last tests measure size and start of a build without
sanitizers, and print what they have measured."""

import json
import os
import resource
import selectors
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

import support.gateway
from support.client import Connection, Gone, ask, chat, request_bytes
from support.places import HEADGATE, ROOT
from support.upstream import DONE
from support.wait import PATIENCE, wait_for

CHAT = "/v1/chat/completions"
ROOMY = "limits { max_connections = 20000, header_timeout = \"120s\", body_timeout = \"120s\" }"


def is_sanitized(program):
    return b"__asan_init" in program.read_bytes()


SLOW = is_sanitized(HEADGATE) or PATIENCE > 1


def scaled(count):
    """Fewer where everything takes longer and more memory."""
    return count // 5 if SLOW else count


@pytest.fixture(autouse=True)
def files():
    """files(count) skips the test if so many files may not be open, for us and what we start."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[0] < before[1]:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))

    def need(count):
        if before[1] != resource.RLIM_INFINITY and before[1] < count:
            pytest.skip(f"{count} open files are needed, {before[1]} are allowed")

    yield need
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def question(text=None, stream=True, **options):
    """A request that the simulator answers as the options say, with that text."""
    words = [f"{name.replace('_', '-')}={value}" for name, value in options.items()]
    if text is not None:
        words.append("text=" + text.replace(" ", "%20"))
    model = "up/sim:" + ",".join(words) if words else "up/m"
    body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
    if stream:
        body["stream"] = True
    return request_bytes("POST", CHAT, body)


def counted_words(name, count):
    """A text in which nothing can be missing or exchanged unseen."""
    return " ".join(f"{name}.{i}" for i in range(count))


def text_of(answer):
    return "".join(choice["delta"].get("content") or ""
                   for _, data in answer.events() if data != "[DONE]"
                   for choice in json.loads(data)["choices"])


def gather(clients, is_enough, seconds):
    """Reads from all at once into their buffers, until each has enough or is at its end."""
    end = time.monotonic() + seconds * PATIENCE
    with selectors.DefaultSelector() as selector:
        for client in clients:
            client.sock.settimeout(0)
            selector.register(client.sock, selectors.EVENT_READ, client)
        while selector.get_map():
            assert time.monotonic() < end, f"{len(selector.get_map())} have not come to their end"
            for key, _ in selector.select(1):
                try:
                    data = key.fileobj.recv(65536)
                except ConnectionError:
                    data = b""
                key.data.buffer += data
                if not data or is_enough(key.data.buffer):
                    selector.unregister(key.fileobj)
                    key.fileobj.settimeout(10 * PATIENCE)


def is_whole(buffer):
    return buffer.endswith(b"\r\n0\r\n\r\n")


def said(count):
    """True for a buffer with so many events."""
    return lambda buffer: buffer.count(b"data: ") >= count


def open_all(port, requests):
    clients = []
    for request in requests:
        clients.append(Connection(port, timeout=30))
        clients[-1].send(request)
    return clients


def whole_answer(client):
    """The answer if it came whole, or nothing."""
    try:
        answer = client.read_response()
    except (Gone, OSError, ValueError):
        return None
    finally:
        client.close()
    is_good = answer.complete and answer.status == 200 and answer.body.endswith(DONE)
    return answer if is_good else None


# ---- connections


@pytest.mark.seconds(90)
def test_ten_thousand_idle_and_a_thousand_slow_clients_keep_nobody_waiting(
        gateway, simulator, files):
    idle_count, slow_count = scaled(10000), scaled(1000)
    files(idle_count + slow_count + 1000)
    gate = gateway(simulator(), config=ROOMY, workers=2)
    request = question(stream=False)
    idle, slow, longest = [], [], 0.0
    try:
        idle = open_all(gate.port, [b""] * idle_count)
        # Half of them have not yet sent their head, the others hesitate in the body.
        slow = open_all(gate.port, [request[:20 if i % 2 else -30] for i in range(slow_count)])
        for i in range(40):
            for at, client in enumerate(slow):
                if at % 40 == i:
                    sent = 20 if at % 2 else len(request) - 30
                    client.send(request[sent : sent + 1])
            start = time.monotonic()
            answer = chat(gate.port, stream=i % 2 == 0)
            longest = max(longest, time.monotonic() - start)
            assert answer.status == 200 and answer.complete
        print(f"{idle_count} idle, {slow_count} slow: the longest took {longest * 1000:.1f} ms")
        assert longest < 1.0 * PATIENCE
        for at, client in enumerate(slow):
            client.send(request[21 if at % 2 else len(request) - 29 :])
        assert [client.read_response().status for client in slow] == [200] * slow_count
        # An idle one may still be the one that asks.
        for client in idle[:: len(idle) // 20]:
            client.send(request)
            assert client.read_response().status == 200
    finally:
        for client in idle + slow:
            client.close()
    gate.wait_records(40 + slow_count + 20)


# ---- streams


@pytest.mark.seconds(90)
def test_two_thousand_streams_at_once_bring_every_word_in_order(gateway, simulator, files):
    count, words = scaled(2000), 12
    files(3 * count + 500)
    gate = gateway(simulator("--with", f"first-delay=1s,event-delay=100ms,events={words}"),
                   config=ROOMY, workers=2)
    texts = [counted_words(f"{i}", words) for i in range(count)]
    clients = open_all(gate.port, [question(text) for text in texts])
    gather(clients, is_whole, 40)
    wrong = []
    for client, text in zip(clients, texts):
        answer = whole_answer(client)
        contents = answer.body.count(b'"content":') if answer else 0
        if not answer or text_of(answer) != text or contents < words:
            wrong.append((text[:10], answer.body[-300:] if answer else bytes(client.buffer[-300:])))
    assert not wrong, f"{len(wrong)} of {count} are not whole: {wrong[:3]}"
    ids = {record["id"] for record in gate.wait_records(count, 20)}
    assert len(ids) == count


@pytest.mark.seconds(90)
def test_reloads_under_two_hundred_streams_drop_none(gateway, simulator, files):
    files(1500)
    words, count = 30, 200
    sim = simulator("--with", f"event-delay=100ms,events={words}")
    gate = gateway(sim, workers=2)
    texts = [counted_words(f"{i}", words) for i in range(count)]
    clients = open_all(gate.port, [question(text) for text in texts])
    gather(clients, said(2), 20)
    workers = gate.processes("worker")
    for i in range(2):
        gate.write({"up": sim.url}, config=f"-- the {i}. change")
        result = gate.reload()
        assert result.returncode == 0, result.stderr
        assert chat(gate.port).status == 200
    assert set(gate.processes("worker")) - set(workers), "nobody new serves"
    assert not any(is_whole(client.buffer) for client in clients), "the streams were over too soon"
    gather(clients, is_whole, 30)
    answers = [whole_answer(client) for client in clients]
    assert [text_of(answer) if answer else None for answer in answers] == texts
    ids = {record["id"] for record in gate.wait_records(count + 2)}
    assert {answer.header("x-headgate-request-id") for answer in answers} <= ids


# ---- a worker is killed


def owners(gate, clients):
    """For each client the pid of the worker that has its connection."""
    inode_of = {}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        local, remote = (int(word.rpartition(":")[2], 16) for word in words[1:3])
        if local == gate.port:
            inode_of[remote] = words[9]
    pid_of = {}
    for pid in gate.processes("worker"):
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            try:
                target = os.readlink(fd)
            except OSError:
                continue
            if target.startswith("socket:["):
                pid_of[target[8:-1]] = pid
    return [pid_of[inode_of[client.sock.getsockname()[1]]] for client in clients]


def test_a_killed_worker_takes_its_own_streams_and_no_others(gateway, simulator, files):
    files(1000)
    words, count = 30, 100
    gate = gateway(simulator("--with", f"event-delay=100ms,events={words}"), workers=2)
    clients = open_all(gate.port, [question(counted_words("w", words)) for _ in range(count)])
    gather(clients, said(2), 20)
    pids = owners(gate, clients)
    victim = max(set(pids), key=pids.count)
    assert 0 < pids.count(victim) < count, "one worker has them all"
    os.kill(victim, signal.SIGKILL)
    gather(clients, is_whole, 30)
    answers = [whole_answer(client) for client in clients]
    assert [answer is not None for answer in answers] == [pid != victim for pid in pids]
    ids = {answer.header("x-headgate-request-id") for answer in answers if answer}
    wait_for(lambda: ids <= {record["id"] for record in gate.records()}, "the records", 20)


@pytest.mark.seconds(90)
def test_kills_under_load_lose_no_record_of_a_finished_answer(gateway, simulator):
    gate = gateway(simulator("--with", "events=3,text=one%20two%20three"), workers=2)
    finished, stop, lock = [], threading.Event(), threading.Lock()

    def ask_on(number):
        connection, stream = None, number % 2 == 0
        while not stop.is_set():
            try:
                connection = connection or Connection(gate.port, timeout=20)
                connection.send(question(stream=stream))
                answer = connection.read_response()
                if answer.complete and answer.status == 200:
                    with lock:
                        finished.append(answer.header("x-headgate-request-id"))
                else:
                    raise Gone("broken")
            except (Gone, OSError, ValueError):
                if connection:
                    connection.close()
                connection = None
                time.sleep(0.01)
        if connection:
            connection.close()

    threads = [threading.Thread(target=ask_on, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            before = len(finished)
            wait_for(lambda: len(finished) >= before + 150, "answers", 20)
            victim = wait_for(lambda: gate.processes("worker"), "a worker")[0]
            os.kill(victim, signal.SIGKILL)
            wait_for(lambda: victim not in gate.processes("worker")
                     and len(gate.processes("worker")) == 2, "the next worker", 20)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert len(set(finished)) == len(finished) >= 450
    wanted = set(finished)

    def missing():
        return wanted - {record["id"] for record in gate.records()}

    try:
        wait_for(lambda: not missing(), "the records", 10)
    finally:
        print(f"{len(finished)} answers, without a record: {sorted(missing())[:5]}")
    ids = [record["id"] for record in gate.records()]
    assert len(ids) == len(set(ids)), "a record was written twice"


# ---- size and time, of a build without sanitizers


@pytest.fixture
def lean(monkeypatch):
    """Makes gateways of a build without sanitizers; gives the further arguments for them."""
    if not is_sanitized(HEADGATE):
        return {}
    program = ROOT / "build" / "headgate"
    if not program.exists() or is_sanitized(program):
        pytest.skip("there is no build without sanitizers in build/")
    monkeypatch.setattr(support.gateway, "HEADGATE", program)
    path = str(program.parent / ".libs")
    monkeypatch.setenv("HEADGATE_PLUGIN_PATH", path)  # it goes before what is configured
    return {"plugin_path": path}


def resident(pid):
    """In bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()


def test_an_open_stream_takes_little_memory(gateway, simulator, files, lean):
    count = 1000
    files(3 * count + 500)
    gate = gateway(simulator("--with", "stall-after-events=3,events=20"), config=ROOMY, **lean)
    [first] = open_all(gate.port, [question(counted_words("w", 20))])
    gather([first], said(2), 10)
    [pid] = gate.processes("worker")
    before = resident(pid)
    clients = []
    for _ in range(count // 20):  # a few at a time: what is measured is being open, not opening
        more = open_all(gate.port, [question(counted_words("w", 20)) for _ in range(20)])
        gather(more, said(2), 20)
        clients += more
    each = (resident(pid) - before) / count
    print(f"memory of an open stream: {each / 1024:.1f} KB ({before / 1048576:.1f} MB before)")
    for client in [first, *clients]:
        client.close()
    assert each <= 12 * 1024


def test_a_gateway_is_small_and_soon_there(gateway, simulator, lean, tmp_path):
    sim = simulator()
    times, sizes = [], []
    for _ in range(5):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        start = time.monotonic()
        gate = gateway(sim, listen=f"127.0.0.1:{port}", wait=False, **lean)
        while True:
            try:
                answer = ask(port, "POST", CHAT, question(stream=False).partition(b"\r\n\r\n")[2])
                break
            except ConnectionRefusedError:
                assert gate.is_running and time.monotonic() < start + 20, gate.output()
                time.sleep(0.001)
        times.append(time.monotonic() - start)
        assert answer.status == 200
        sizes += [resident(pid) for pid in gate.processes("worker")]
        assert gate.stop() == 0
    print(f"start to first answer: {min(times) * 1000:.1f} ms at best, "
          f"{sorted(times)[2] * 1000:.1f} ms in the middle; "
          f"resident: {max(sizes) / 1048576:.1f} MB a worker")
    # The figures asked for are 50 ms and 8 MB; a busy machine gets some room for the time.
    assert min(times) <= 0.050 * 3
    assert max(sizes) <= 8 * 1048576
