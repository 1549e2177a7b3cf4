import { shareText } from '../core/numbers.ts'
import type { ControlKind } from './control.ts'

/**
 * In what a figure is counted, and its limit is written:
 * - `share`: of tasks, between 0 and 1;
 * - `percent`: of the work needed, or of what was controlled, 0 or more;
 * - `points`: a difference of two shares;
 * - `ms`: milliseconds.
 */
export type Unit = 'share' | 'percent' | 'points' | 'ms'

export interface Metric {
  readonly unit: Unit
  /** Which side of the limit is good. */
  readonly good: 'high' | 'low'
  /** What it asks, as editors show it. */
  readonly about: string
  /** What it is measured over, where that is not tasks. */
  readonly over?: string
  /** A share of tasks with at most so many: `<= 1 in >= 95 %`. */
  readonly counted?: true
  /** Its limit is written in the task's own time, and divided by `timeScale`. */
  readonly scaled?: true
  /** Milliseconds that do not scale: at `timeScale: 1` alone. */
  readonly fullLengthOnly?: true
  /** Its interval is known at 95 % alone. */
  readonly fixedConfidence?: true
  /** Held against the run of `--against`. */
  readonly against?: true
  /** Where no fault is planned there is nothing to measure. */
  readonly needsFaults?: true
  /** It is over tasks beside the load that are controlled so: one of these kinds must be in `control`. */
  readonly controls?: readonly ControlKind[]
}

/** What gates can be put on: a row here, and what is held against the limit in `harness/verdict/gates/`. */
export const metrics = {
  success: { unit: 'share', good: 'high', about: 'Share of intended tasks: the right result in time' },
  'exposed-success': {
    unit: 'share',
    good: 'high',
    needsFaults: true,
    about: 'The same among tasks that a proven fault could touch',
  },
  late: {
    unit: 'share',
    good: 'low',
    over: 'tasks with the right result',
    about: 'Of the tasks with the right result, the share that had it after the deadline',
  },
  lost: {
    unit: 'share',
    good: 'low',
    about: 'Share of intended tasks whose client never got the right result, not even late, whatever it was told',
  },
  duplicates: { unit: 'share', good: 'low', about: 'Share of tasks with an effect of which some step was done twice' },
  rework: {
    unit: 'percent',
    good: 'low',
    fixedConfidence: true,
    about: 'Work done again, as a share of the work needed',
  },
  'takeover p90': {
    unit: 'ms',
    good: 'low',
    scaled: true,
    needsFaults: true,
    over: 'interrupted tasks',
    about: 'From the cut until somebody went on, over all interrupted tasks: within so long for nine of ten',
  },
  restored: {
    unit: 'ms',
    good: 'low',
    scaled: true,
    needsFaults: true,
    over: 'outages',
    about: 'From the onset of an outage until tasks that begin are on time again: the median over outages',
  },
  'overhead p50': {
    unit: 'ms',
    good: 'low',
    fullLengthOnly: true,
    about: 'Beyond the work itself, of half of all tasks',
  },
  'overhead p95': { unit: 'ms', good: 'low', fullLengthOnly: true, about: 'The same of 95 in 100 tasks' },
  'overhead p99': { unit: 'ms', good: 'low', fullLengthOnly: true, about: 'The same of 99 in 100 tasks' },
  requests: {
    unit: 'share',
    good: 'high',
    counted: true,
    about: 'Of a client for one task: submissions, reads and streams',
  },
  posts: { unit: 'share', good: 'high', counted: true, about: 'Callbacks of one task that the system sent' },
  executions: {
    unit: 'share',
    good: 'high',
    counted: true,
    about: 'Of the step of a task that was executed most often',
  },
  'after-cancel': {
    unit: 'percent',
    good: 'low',
    controls: ['cancel', 'rogue'],
    over: 'cancelled tasks',
    about: 'Share of cancelled tasks of which a step began after the acknowledgement',
  },
  'commands-lost': {
    unit: 'percent',
    good: 'low',
    controls: ['steer', 'budget'],
    over: 'acknowledged commands',
    about: 'Share of acknowledged commands without an answer in the log, with two, or without a log',
  },
  'over-budget': {
    unit: 'percent',
    good: 'low',
    controls: ['budget'],
    over: 'tasks at the end of their budget',
    about: 'Share of tasks with too few credits of which a step began that they did not cover',
  },
  'cancelled p50': {
    unit: 'ms',
    good: 'low',
    fullLengthOnly: true,
    fixedConfidence: true,
    controls: ['cancel', 'rogue'],
    over: 'cancelled tasks',
    about: 'From the first request to cancel until its acknowledgement, of half of the cancelled tasks',
  },
  'stopped p50': {
    unit: 'ms',
    good: 'low',
    scaled: true,
    fixedConfidence: true,
    controls: ['steer'],
    over: 'steered tasks',
    about: 'From the request to interrupt until the agent was seen to stand still, of half of the steered tasks',
  },
  regression: {
    unit: 'points',
    good: 'low',
    against: true,
    over: 'pairs of tasks',
    about: 'Points of success that may be lost against the run of --against, task by task',
  },
  slowdown: {
    unit: 'ms',
    good: 'low',
    against: true,
    fullLengthOnly: true,
    over: 'pairs of tasks',
    about: 'Overhead that may be added against the run of --against, over pairs of tasks that no fault touched',
  },
} as const satisfies Readonly<Record<string, Metric>>
export type MetricName = keyof typeof metrics

export const metricNames = Object.keys(metrics) as [MetricName, ...MetricName[]]

export function metricOf(name: MetricName): Metric {
  return metrics[name]
}

/** Of which a gate knows its interval at this confidence, unless it says another one. */
export const usualConfidence = 0.95

/** A figure in the unit of its metric; `null`: it never came to that. */
export function figureText(unit: Unit, value: number | null): string {
  if (value === null) return 'never'
  if (unit === 'ms') return `${Number(value.toPrecision(4))} ms`
  return unit === 'share' ? shareText(value) : String(Number(value.toFixed(4)))
}
