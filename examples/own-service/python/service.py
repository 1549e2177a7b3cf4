"""A job service on Python's standard library: POST /jobs, GET /jobs/{id}, work that takes a while, and a journal in SQLite.

Replicas share the journal. Each claims jobs under a lease, writes every finished step down, and takes over the jobs of a
replica that is silent for LEASE seconds. BUG=forgets is the durability bug: jobs live in memory, and die with their process.

    python3 service.py --port 8080      HOST, PORT, STORE (a file), TOKEN, TOOLS, NODE, SCALE: see main()
"""

import argparse
import json
import os
import sqlite3
import threading
import time
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STEPS = 4
SCALE = float(os.environ.get("SCALE", "1"))
STEP_S = 5.0 / SCALE
LEASE_S = 10.0 / SCALE
NODE = os.environ.get("NODE", "api-0")
TOKEN = os.environ.get("TOKEN", "")
TOOLS = os.environ.get("TOOLS", "")
FORGETS = os.environ.get("BUG") == "forgets"
STORE = ":memory:" if FORGETS else os.environ.get("STORE", "jobs.db")

SCHEMA = """create table if not exists jobs (
  id text primary key, key text unique, topic text, step integer default 0,
  state text default 'queued', owner text, lease real default 0)"""

lock = threading.Lock()


def connect():
    db = sqlite3.connect(STORE, timeout=30, check_same_thread=False, isolation_level=None)
    db.execute("pragma synchronous=full")
    db.execute(SCHEMA)
    db.row_factory = sqlite3.Row
    return db


db = connect()


def query(sql, *values):
    """One statement at a time: SQLite commits each before it returns."""
    with lock:
        return db.execute(sql, values).fetchall()


def submit(key, topic):
    """The same key is the same job, whoever asks and however often."""
    query("insert into jobs (id, key, topic) values (?, ?, ?) on conflict (key) do nothing", uuid.uuid4().hex, key, topic)
    return query("select * from jobs where key = ?", key)[0]


def claim():
    """A job that nobody works on: new, or of a replica that let its lease run out."""
    now = time.time()
    rows = query(
        "update jobs set owner = ?, lease = ?, state = 'running' where id = (select id from jobs"
        " where state in ('queued', 'running') and lease < ? order by rowid limit 1) and lease < ? returning *",
        OWNER, now + LEASE_S, now, now,
    )
    return rows[0] if rows else None


OWNER = f"{NODE}/{uuid.uuid4().hex}"


def work(job):
    """Do the steps that are not written down yet. Whoever lost the lease stops: the job is somebody else's."""
    for step in range(job["step"] + 1, STEPS + 1):
        began = time.monotonic()
        while (left := began + STEP_S - time.monotonic()) > 0:
            time.sleep(min(left, LEASE_S / 4))
            if not extend(job):
                return
        tell(job, step, time.monotonic() - began)
        state = "done" if step == STEPS else "running"
        if not query("update jobs set step = ?, state = ? where id = ? and owner = ? returning id", step, state, job["id"], OWNER):
            return


def extend(job):
    return query("update jobs set lease = ? where id = ? and owner = ? returning id", time.time() + LEASE_S, job["id"], OWNER)


def tell(job, step, took_s):
    """The step's effect on the world: here, what outlast hears of it."""
    if not TOOLS:
        return
    said = {"task": job["key"], "task_id": job["id"], "step": step, "node": NODE, "took_ms": took_s * 1000}
    request = urllib.request.Request(TOOLS, json.dumps(said).encode(), {"content-type": "application/json"})
    urllib.request.urlopen(request, timeout=10).read()


def look_for_work():
    while True:
        job = claim()
        if job:
            threading.Thread(target=work, args=(job,), daemon=True).start()
        else:
            time.sleep(0.02)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/healthz":
            return self.answer(200, {"ok": True})
        if not self.allowed():
            return None
        rows = query("select * from jobs where id = ?", self.path.removeprefix("/jobs/"))
        return self.answer(200, describe(rows[0])) if rows else self.answer(404, {"error": "no such job"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if not self.allowed():
            return None
        key = self.headers.get("idempotency-key") or uuid.uuid4().hex
        return self.answer(202, describe(submit(key, json.loads(body).get("topic", ""))))

    def allowed(self):
        if self.headers.get("authorization") == f"Bearer {TOKEN}":
            return True
        self.answer(401, {"error": "a token is needed"})
        return False

    def answer(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def describe(job):
    done = {"result": {"topic": job["topic"], "steps": job["step"]}} if job["state"] == "done" else {}
    return {"id": job["id"], "status": job["state"], "step": job["step"], **done}


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8080")))
    parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
    given = parser.parse_args()
    threading.Thread(target=look_for_work, daemon=True).start()
    Server((given.host, given.port), Handler).serve_forever()


main()
