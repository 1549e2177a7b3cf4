import { writeSync } from 'node:fs'
import { workerData } from 'node:worker_threads'
import type { Watched } from './standstill.ts'

const { beats, limitMs, sentence } = workerData as Watched
const steps = 60
let [seen, still] = [-1, 0]

for (;;) {
  // Nobody wakes it: it is a pause that needs no event loop.
  Atomics.wait(beats, 0, seen, limitMs / steps)
  const now = Atomics.load(beats, 0)
  still = now === seen ? still + 1 : 0
  seen = now
  if (still < steps) continue
  writeSync(2, sentence)
  process.kill(process.pid, 'SIGKILL')
}
