import { catalog as named } from '../../../patterns/catalog.ts'
import { type Engine } from '../../../patterns/contract/types/engine.ts'
import { keptByBoth, promises } from '../../../patterns/contract/types/promises.ts'
import { formatDuration } from '../../scenario/units.ts'
import { type Entry, type Fact, type Section, told } from './entry.ts'

export const patterns: Section = {
  about:
    'A delivery over an engine. Any other pair is a pattern too: `delivery+engine`; `@tuned` behind either tunes the engine.',
  entries: async (registry) => {
    const { resolvePattern } = await registry.catalog()
    return named.flatMap(({ name, summary }): readonly Entry[] => {
      const pattern = resolvePattern(name)
      if (!pattern) return []
      const { delivery, engine } = pattern
      const kept = keptByBoth(delivery, engine)
      const open = Object.keys(promises).filter((one) => !kept.some((promise) => promise === one))
      const facts = told([
        ['delivery', `${delivery.name}: ${delivery.summary}`],
        ['engine', `${engine.name}: ${engine.summary}`],
        ['promises', kept.join(', ')],
        ['not', open.join(', ')],
      ])
      return [{ name, summary, facts: [...facts, ...needsOf(engine)] }]
    })
  },
}

export const deliveries: Section = {
  about: 'How a client submits a task and learns its outcome.',
  entries: async (registry) =>
    [...(await registry.deliveries()).values()].map(({ name, summary, promises, ...rest }) => ({
      name,
      summary,
      facts: told([
        ['promises', promises.join(', ')],
        ['events', rest.events ? 'its client follows them' : undefined],
        ['callback', rest.callback ? 'its client must be reachable' : undefined],
        ['protocol', rest.ownProtocol ? 'its own' : 'the task API'],
      ]),
    })),
}

export const engines: Section = {
  about: 'How the work of a task survives.',
  entries: async (registry) =>
    [...(await registry.engines()).values()].map((engine) => ({
      name: engine.name,
      summary: engine.summary,
      facts: [...told([['promises', engine.promises.join(', ')]]), ...needsOf(engine), ...timeoutsOf(engine)],
    })),
}

/** What runs beside the API. */
function needsOf({ durable, executor, services, sticky, withoutAccounts }: Engine): readonly Fact[] {
  const servers = services.filter(({ program }) => program !== 'serve' && program !== 'work')
  const packages = services.flatMap((service) => service.packages ?? [])
  return told([
    ['tasks', durable ? 'outlive the processes that work on them' : 'die with the process that works on them'],
    ['executor', `the role ${executor}${sticky ? '; clients stay with the replica that accepted their task' : ''}`],
    ['no balances and tool rates', withoutAccounts],
    ['servers', servers.map(({ program }) => program).join(', ')],
    ['packages', packages.join(', ')],
  ])
}

function timeoutsOf({ timeouts }: Engine): readonly Fact[] {
  const rows = Object.entries(timeouts).map(([name, { default: usual, tuned }]) => {
    const [shipped, short] = [usual, tuned].map((ms) => (Number.isFinite(ms) ? formatDuration(ms) : 'never'))
    return `${name.replace(/Ms$/, '')} ${shipped}, ${short} @tuned`
  })
  return told([['timeouts', rows.join('; ')]])
}
