import type { RunResults } from '../harness/model/results.ts'
import { shellWord } from './shell.ts'

/** The command that repeats the run, from its own folder with its scenario, schedule and options. */
export function replayOf({ plan, run, folder = `runs/${run}` }: RunResults): string {
  const { seed, runtime, selection = {} } = plan
  const options: readonly (readonly [string, string | undefined])[] = [
    ['--seed', String(seed)],
    ['--schedule', `${folder}/schedule.json`],
    ['--runtime', runtime === 'process' ? undefined : runtime],
    ['--patterns', selection.patterns?.join(',')],
    ['--arms', selection.arms?.join(',')],
    ['--against', plan.against],
  ]
  const given = options.flatMap(([name, value]) => (value === undefined ? [] : [name, shellWord(value)]))
  return ['npx outlast run', shellWord(`${folder}/scenario.yaml`), ...given].join(' ')
}

/** The command that judges the run again, and writes this report. */
export function reportCommand({ run, folder = `runs/${run}` }: RunResults): string {
  return ['npx outlast report', shellWord(folder)].join(' ')
}

/** The command that tells the story of one task. */
export function explainCommand({ run, folder = `runs/${run}` }: RunResults, task: string, cell: string): string {
  return ['npx outlast explain', ...[folder, task, '--cell', cell].map(shellWord)].join(' ')
}
