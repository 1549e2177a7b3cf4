import type { Fault } from '../../harness/model/fault.ts'

const timeScale = 60
/** Real milliseconds from armed to heal, for the longest. */
export const windowMs = 1_000

/** What a fault must be told, or what makes its healing last: a node that is down most of the time, one being replaced. */
const special: Readonly<Record<string, object>> = {
  latency: { delay: '1s' },
  'restart-loop': { up: '5s' },
  'rolling-deploy': { for: '15s' },
}

/** One cell in which all act at the same time, each on its own node or link, where it takes any. JSON is YAML. */
export function scenarioOf(faults: readonly Fault[]): string {
  const nodes = faults.filter(({ acts }) => acts === 'node')
  const clients = faults.filter(({ acts, links }) => acts === 'link' && (links?.includes('client->api') ?? true))
  // A load balancer is tried out by a whole request: it gets the last node, to which nothing happens.
  clients.sort((a, b) => Number(a.needs.includes('edge')) - Number(b.needs.includes('edge')))
  const replicas = Math.max(nodes.length + 1, clients.length)
  const place = (fault: Fault): object => {
    if (fault.acts === 'node') return { target: `executor-${nodes.indexOf(fault)}` }
    const ordinal = replicas - clients.length + clients.indexOf(fault)
    return { target: clients.includes(fault) ? `client->api-${ordinal}` : fault.links![0], compose: true }
  }
  const entries = faults.map((fault) => {
    const times = { at: '15s', for: `${(windowMs * timeScale) / 1000}s` }
    return { fault: fault.name, ...times, ...place(fault), ...special[fault.name] }
  })
  return JSON.stringify({
    name: 'killed',
    question: 'What is left when the harness dies?',
    timeScale,
    profile: 'smoke',
    patterns: ['webhook'],
    load: { tasks: 30, rate: '10/min' },
    replicas: { executor: replicas },
    arms: { all: entries },
  })
}
