import { sharedAddresses } from '../model/target-remarks.ts'
import type { Problem } from './problems.ts'
import type { ParsedScenario } from './schema.ts'

/** What is wrong between targets, each of which is right by itself, and the rest of the scenario. */
export function checkTargets(scenario: ParsedScenario): readonly Problem[] {
  return [...unused(scenario), ...deaf(scenario), ...oneService(scenario)]
}

function unused({ targets, values: { patterns } }: ParsedScenario): readonly Problem[] {
  return targets
    .filter(({ name }) => patterns && !patterns.includes(name))
    .map(({ name }) => ({
      path: ['targets', name],
      at: 'key',
      message: `is not among "patterns"; add ${name} there`,
    }))
}

/** A service that knows nothing of compressed time would do its work at full length. */
function deaf({ targets, values: { timeScale = 1 } }: ParsedScenario): readonly Problem[] {
  if (timeScale === 1) return []
  return targets
    .filter((target) => !JSON.stringify(target).includes('{timeScale}'))
    .map(({ name }) => {
      const message = `${name} does not know that time is compressed; give it {timeScale} in env, start or input, or write timeScale: 1`
      return { path: ['timeScale'], message }
    })
}

/** Two cells at once on one service: each has the load of both, and the history of neither has the faults of the other. */
function oneService({ targets, values: { patterns = [], sideBySide } }: ParsedScenario): readonly Problem[] {
  if (sideBySide === 1) return []
  return sharedAddresses(targets.filter(({ name }) => patterns.includes(name))).map(({ url, names }) => {
    const message = `${names.join(' and ')} are one service, at ${url}: load and faults of one would meet the other; write sideBySide: 1, so that they take turns, or leave one out`
    return { path: ['targets', names.at(-1)!], at: 'key', message }
  })
}
