import { Worker } from 'node:worker_threads'

/** How long the only thread of this process may stand still. A busy machine, or a slow answer, takes seconds. */
const limitMs = 60_000
/** How often it shows that it does not. */
const beatMs = 100

/** What the watching thread is given. */
export interface Watched {
  /** The first number changes with each beat. */
  readonly beats: Int32Array
  readonly limitMs: number
  readonly sentence: string
}

/**
 * Ends this process where code of an adapter, or a pattern of a mapping, never returns: no timer runs then, no limit holds, and
 * no signal is heard. Another thread sees it. It cannot let this one go on, so it ends the process with SIGKILL and says why;
 * the reaper ends what was started. While the process is suspended, both threads are.
 */
export function watchThread(target: string, patienceMs = limitMs): Disposable {
  const beats = new Int32Array(new SharedArrayBuffer(4))
  const seconds = patienceMs / 1000
  const sentence = `outlast failed, which says nothing about the systems under test: for ${seconds} s something never returned; code of ${target} that is called in this process can do that\n`
  const workerData: Watched = { beats, limitMs: patienceMs, sentence }
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const worker = new Worker(new URL(`./standstill-watch.${extension}`, import.meta.url), { workerData, execArgv: [] })
  worker.unref()
  const timer = setInterval(() => Atomics.add(beats, 0, 1), beatMs).unref()
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer)
      void worker.terminate()
    },
  }
}
