import { HarnessError } from '../core/errors.ts'
import { sleep, timeLimit } from '../../patterns/contract/types/timer.ts'
import { tryTcp } from './readiness.ts'

const pollMs = 25

/** Whether somebody takes a connection there: not whether the answers would be right. */
export function answersAt(url: string): Promise<boolean> {
  const { hostname: host, port } = new URL(url)
  return tryTcp({ host, port: Number(port || 80) }, (_, settle) => settle(true))
}

/** Wait until somebody answers there, or nobody does. Rejects with HarnessError when it is still otherwise after `limitMs`. */
export async function untilAnswers(url: string, isUp: boolean, limitMs: number): Promise<void> {
  const limit = timeLimit(limitMs)
  for (; (await answersAt(url)) !== isUp; await sleep(pollMs))
    if (limit.aborted)
      throw new HarnessError(`${url} ${isUp ? 'does not answer' : 'still answers'} ${limitMs / 1000} s later`)
}

/** What was just sent a signal may answer once more before it dies of that. */
const dyingMs = 500

/** Whether nobody answers there now, or in a moment: a command that was to take it down may have been carried out just now. */
export function goesDown(url: string): Promise<boolean> {
  return untilAnswers(url, false, dyingMs).then(
    () => true,
    () => false,
  )
}
