import type { MetricName } from '../../model/metrics.ts'
import { taskShares } from '../../model/task-shares.ts'
import { evidenceOfRegression, evidenceOfSlowdown } from './against.ts'
import {
  afterCancel,
  cancelledTime,
  commandsLost,
  evidenceOfControls,
  evidenceOfControlTime,
  overBudget,
  stoppedTime,
} from './controls.ts'
import type { EvidenceOf } from './evidence.ts'
import { evidenceOfRework } from './rework.ts'
import { evidenceOfShare } from './task-shares.ts'
import { evidenceOfOverhead, evidenceOfRestored, evidenceOfTakeover } from './times.ts'

/** The figure that each metric holds against its limit: the report's own, made by the same functions. */
export const evidenceByMetric: Readonly<Record<MetricName, EvidenceOf>> = {
  success: evidenceOfShare(taskShares.success),
  'exposed-success': evidenceOfShare(taskShares['exposed-success']),
  late: evidenceOfShare(taskShares.late),
  lost: evidenceOfShare(taskShares.lost),
  duplicates: evidenceOfShare(taskShares.duplicates),
  rework: evidenceOfRework,
  'takeover p90': evidenceOfTakeover,
  restored: evidenceOfRestored,
  'overhead p50': evidenceOfOverhead('p50'),
  'overhead p95': evidenceOfOverhead('p95'),
  'overhead p99': evidenceOfOverhead('p99'),
  requests: evidenceOfShare(taskShares.requests),
  posts: evidenceOfShare(taskShares.posts),
  executions: evidenceOfShare(taskShares.executions),
  'after-cancel': evidenceOfControls(afterCancel),
  'commands-lost': evidenceOfControls(commandsLost),
  'over-budget': evidenceOfControls(overBudget),
  'cancelled p50': evidenceOfControlTime(cancelledTime),
  'stopped p50': evidenceOfControlTime(stoppedTime),
  regression: evidenceOfRegression,
  slowdown: evidenceOfSlowdown,
}
