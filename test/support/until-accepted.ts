import { setTimeout as sleep } from 'node:timers/promises'
import type { Backend, Submission } from '../../patterns/contract/engine/backend.ts'
import { ProblemError } from '../../patterns/contract/types/problems.ts'

/** Submit as a client does: an engine that is out of breath may refuse, and is asked again under the same key. */
export async function untilAccepted(backend: Backend, submission: Submission): ReturnType<Backend['submit']> {
  for (;;)
    try {
      return await backend.submit(submission)
    } catch (error) {
      if (!(error instanceof ProblemError) || error.kind !== 'temporary-reduced-capacity') throw error
      await sleep(100)
    }
}
