import { conclude } from '../analysis/conclusion.ts'
import { controlsOf, hasControl, logOf, mayBeGone, momentsOf } from '../analysis/control.ts'
import { forbiddenEffects, isAtWork, refusalIn, wasTurnedAway } from '../analysis/permission.ts'
import { type ControlTrace, traceOf } from '../analysis/trace.ts'
import type { Checker } from '../model/checker.ts'

/**
 * The ledger is the truth: it has no effect of a tool that the task's principal may not use. A task keeps the tools that it was
 * granted, also over a restart: it is refused none of them, and ends where it asks for another one, unless it is lost with its
 * process where tasks may be. A submission or a call with a token or a grant that is not right is refused, and does nothing. Put to the test
 * where a task asked for a tool that it lacks.
 */
const checker: Checker = {
  name: 'permission-holds',
  summary: 'no task uses a tool that its principal may not, and no forged token does anything',
  judges: 'permission-holds',
  isAbout: hasControl('permission'),
  check(history) {
    const trace = traceOf(history)
    const tried = controlsOf(trace, 'permission')
    const broken = tried.map(breachOf)
    const gone = tried.filter((one, i) => broken[i]!.length === 0 && isGone(one) && mayBeGone(one, trace))
    const known = tried.filter((one, i) => broken[i]!.length > 0 || isKnown(one) || gone.includes(one))
    const asked = known.filter((one) => isAtWork(one) && refusalIn(one) === 'rightly')
    return conclude(trace, {
      judged: known.length,
      unit: 'tasks and attempts without permission',
      complaint: 'did what they may not, or were kept from what they may',
      broken: broken.filter((ops) => ops.length > 0),
      counts: { asked: asked.length, gone: gone.length },
      excused: tried.length - known.length,
      otherwise: { many: tried.length - known.length, why: 'have no end that anybody could read' },
      exercise: { times: asked.length, lacking: 'no task asked for a tool that it lacks' },
      kind: 'safety',
    })
  },
}
export default checker

function breachOf(one: ControlTrace): readonly number[] {
  const effects = forbiddenEffects(one).map(({ index }) => index)
  const further = isAtWork(one) ? wrongEnd(one) : momentsOf(one, 'accepted').map(({ index }) => index)
  return [...effects, ...further]
}

/** Each of these tasks lacks a tool that it needs, so no other end is right. */
function wrongEnd(one: ControlTrace): readonly number[] {
  const how = refusalIn(one)
  const isCompleted = logOf(one)?.events.some(({ status }) => status === 'completed')
  return how === 'wrongly' || isCompleted ? [logOf(one)!.op.index] : []
}

/** Whoever may lose tasks may lose these: what they did until then is in the ledger. */
function isGone(one: ControlTrace): boolean {
  return isAtWork(one) && momentsOf(one, 'accepted').length > 0 && logOf(one) === undefined
}

/** Who ended for another reason was refused nothing by then. */
function isKnown(one: ControlTrace): boolean {
  return isAtWork(one) ? refusalIn(one) !== undefined : wasTurnedAway(one)
}
