import type { RunResults } from '../harness/model/results.ts'
import { findingsOf, type Finding } from './findings.ts'
import { type Annotation, workflowCommand } from './workflow-command.ts'

/** GitHub shows so many of each level for one step, and drops the rest in silence. */
const mostShown = 10

/**
 * Workflow commands of GitHub Actions, one line each: an error per broken promise, gate or contract and per pattern under an
 * arm that is INVALID, a warning per pattern under an arm, or gate, that is INCONCLUSIVE, and per gate that only warns.
 */
export function annotationsOf(results: RunResults): readonly string[] {
  const notes = findingsOf(results).flatMap(noteOf)
  return (['error', 'warning'] as const).flatMap((level) => {
    const lines = new Set(notes.filter((note) => note.level === level).map(workflowCommand))
    return shown(level, [...lines])
  })
}

function noteOf({ pattern, arm, about, state, message }: Finding): readonly Annotation[] {
  const place = [pattern ?? 'the run', ...(arm === undefined ? [] : [arm])].join(' under ')
  const isGate = about.startsWith('gate ')
  if (state === 'failed') return [{ level: 'error', title: `FAIL: ${place}: ${about}`, message }]
  // All promises of a cell have the same reason then: it is said once.
  if (state === 'invalid') return [{ level: 'error', title: `INVALID: ${place}`, message }]
  if (state === 'warned') return [{ level: 'warning', title: `WARNING: ${place}: ${about}`, message }]
  if (state !== 'open') return []
  return [{ level: 'warning', title: `INCONCLUSIVE: ${place}${isGate ? `: ${about}` : ''}`, message }]
}

function shown(level: Annotation['level'], lines: readonly string[]): readonly string[] {
  if (lines.length <= mostShown) return lines
  const kept = lines.slice(0, mostShown - 1)
  const message = `and ${lines.length - kept.length} more of these, which the summary and report.md have`
  return [...kept, workflowCommand({ level, title: 'and more', message })]
}
