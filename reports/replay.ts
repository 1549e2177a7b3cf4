import type { RunResults } from '../harness/model/results.ts'

/**
 * The command that repeats the run, to be pasted into a shell. It uses the run's own folder, which has the scenario
 * with its profiles and the schedule, and repeats the options beside them.
 */
export function replayOf({ plan, run, folder = `runs/${run}` }: RunResults): string {
  const { seed, runtime, selection = {} } = plan
  const options: readonly (readonly [string, string | undefined])[] = [
    ['--seed', String(seed)],
    ['--schedule', `${folder}/schedule.json`],
    ['--runtime', runtime === 'process' ? undefined : runtime],
    ['--patterns', selection.patterns?.join(',')],
    ['--arms', selection.arms?.join(',')],
  ]
  const given = options.flatMap(([name, value]) => (value === undefined ? [] : [name, quote(value)]))
  return ['npx outlast run', quote(`${folder}/scenario.yaml`), ...given].join(' ')
}

/** As POSIX shells take it. */
function quote(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
