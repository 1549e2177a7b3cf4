import { type BalanceBook, bookOf, costOfNext, sum } from '../analysis/balance.ts'
import { conclude } from '../analysis/conclusion.ts'
import { hasControl, logOf } from '../analysis/control.ts'
import { traceOf } from '../analysis/trace.ts'
import type { Checker } from '../model/checker.ts'

/**
 * The ledger and what each step costs are the truth. All tasks of a principal together spend no more than its balance has, and
 * none is refused while there is enough for its step. The account, as it is read at the end, adds up to what was given, and says
 * that at least each step with an effect was paid. Where the end of a task is unknown, so is what it may have paid: nothing is
 * said. It may say more only for a task that neither completed nor was refused: that
 * one may have paid for a step and died before its tool was called. Put to the test where a task was refused, and the balance
 * was nearly spent by then.
 */
const checker: Checker = {
  name: 'balance-holds',
  summary: 'tasks of one principal spend no more than its balance, and none is refused while there is enough',
  judges: 'balance-holds',
  isAbout: hasControl('balance'),
  check(history) {
    const trace = traceOf(history)
    const book = bookOf(trace)
    const began =
      book !== undefined && (book.refused.length > 0 || book.tasks.some(({ effects }) => effects.length > 0))
    const rules = began ? [overspent(book), refusedTooEarly(book), ...accountRules(book)] : []
    const broken = rules.filter(({ ops, isOfAll }) => ops.length > 0 && (trace.complete || !isOfAll))
    const unread = began ? book.unread + Number(!book.account) : 0
    return conclude(trace, {
      judged: rules.length,
      unit: 'rules of a balance',
      complaint: `broken${broken.length > 0 ? `: ${broken.map(({ rule }) => rule).join(', ')}` : ''}`,
      broken: broken.map(({ ops }) => ops),
      counts: { given: book?.given ?? 0, spent: book?.spent ?? 0, refused: book?.refused.length ?? 0 },
      excused: unread,
      otherwise: { many: unread, why: 'could not be asked of the account, or of a task whose log nobody could read' },
      exercise: exerciseOf(book),
      kind: 'safety',
    })
  },
}
export default checker

/** A rule, and the ops that show that it is broken: none, where it holds. */
interface Rule {
  readonly rule: string
  readonly ops: readonly number[]
  /** It is broken by what is missing, which only a whole history can say. */
  readonly isOfAll?: boolean
}

/** By the ledger, or as the account itself says. */
function overspent({ given, steps, account }: BalanceBook): Rule {
  let spent = 0
  const beyond = steps.filter(({ credits }) => (spent += credits) > given && credits > 0).map(({ op }) => op.index)
  const said = account?.value.account
  const isOverdrawn = said !== undefined && (said.spent > given || said.credits < 0)
  return { rule: 'more was spent than there was', ops: isOverdrawn ? [...beyond, account!.index] : beyond }
}

/** What is left at the end was there when the task was refused, but for what came back from others meanwhile. */
function refusedTooEarly({ given, spent, paidInVain, refused }: BalanceBook): Rule {
  const left = given - spent - paidInVain
  const early = refused.filter((task) => left >= costOfNext(task))
  return { rule: 'refused while there was enough', ops: early.map((task) => logOf(task)!.op.index), isOfAll: true }
}

function accountRules({ given, steps, spent, paidInVain, heldStill, account }: BalanceBook): readonly Rule[] {
  const said = account?.value.account
  if (!said) return []
  // It was asked before the ledger was read: what came in between may be paid in between.
  const by = sum(steps.filter(({ op }) => op.at <= account.at))
  const shown = (rule: string, isBroken: boolean, isOfAll = false): Rule => {
    return { rule, ops: isBroken ? [account.index] : [], isOfAll }
  }
  return [
    shown('the account does not add up to what was given', said.credits + said.held + said.spent !== given),
    shown('steps were not paid', said.spent < by),
    shown('more was paid than steps were done', said.spent > spent + paidInVain, true),
    shown('credits are held for tasks that have ended', said.held > heldStill, true),
  ]
}

function exerciseOf(book: BalanceBook | undefined) {
  const { tasks = [], refused = [], given = 0, spent = 0 } = book ?? {}
  if (refused.length === 0) return { times: 0, lacking: 'no task was refused for want of credits' }
  const dearest = Math.max(...tasks.flatMap(({ probe: { costs = [] } }) => costs))
  return { times: given - spent < dearest ? refused.length : 0, lacking: 'too much of the balance was left' }
}
