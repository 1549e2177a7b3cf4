import { devNull } from 'node:os'
import { timingAt } from '../../patterns/contract/types/timing.ts'
import { UsageError } from '../core/errors.ts'
import type { Link } from '../model/link.ts'
import { openLinks } from '../links/toxiproxy.ts'
import { killGroup, readFirstLine, spawnChild, entryPath } from '../os/child.ts'
import { askedFor, inputFor } from './body.ts'
import type { Target, Work } from './case.ts'
import { Conversation } from './conversation.ts'
import { lossyLink, silentLink } from './harms.ts'
import { probe } from './probe.ts'
import { openReceiver } from './receiver.ts'
import type { Restart } from './service-process.ts'

export interface Remote {
  readonly url: string
  readonly token: string | undefined
  readonly timeScale: number
  readonly type: string
  /** What every submission asks for; by default a task of outlast's own agent. */
  readonly input: unknown
  /** `whsec_...`, where it signs its callbacks. */
  readonly secret: string | undefined
  /** Whose token it is, where that is no JWT and not the operator's. */
  readonly principal?: string | undefined
  /** Kills its processes and starts them again; undefined where nobody here can. */
  readonly restart?: Restart | undefined
  /** Its tasks need not outlive its processes. */
  readonly forgetful?: boolean
  readonly signal: AbortSignal
}

/** A key that nobody has would make every signature look forged. Throws UsageError, which does not quote it. */
function mustBeSecret(secret: string | undefined): void {
  if (secret === undefined || /^whsec_(?:[\w+/-]{4})*(?:[\w+/-]{4}|[\w+/-]{3}=?|[\w+/-]{2}(?:==)?)$/.test(secret))
    return
  throw new UsageError('OUTLAST_WEBHOOK_SECRET must be whsec_ and base64')
}

/** A service at an address, as a target. What would need its nodes is beyond us; its links are ours if it speaks HTTP. */
export async function openRemote(remote: Remote): Promise<AsyncDisposable & { readonly target: Target }> {
  const { url, token, principal, timeScale, secret, restart, forgetful, signal } = remote
  mustBeSecret(secret)
  await using stack = new AsyncDisposableStack()
  const { hostname, pathname, port, protocol } = new URL(url)
  const mount = pathname.replace(/\/+$/, '')
  const receiver = stack.use(await openReceiver('127.0.0.1'))
  const link = protocol === 'http:' ? await openLink(`${hostname}:${port || 80}`, stack) : undefined
  const target: Target = {
    name: url,
    url,
    token,
    principal,
    timeScale,
    timing: timingAt(timeScale),
    bodyFor: (key, work) => bodyFor(remote, key, work),
    promises: { callbacks: false, events: false },
    able: {
      ...(link && { silentLink: silentLink(link, mount), lossyLink: lossyLink(link, mount) }),
      ...(secret !== undefined && { secretOf: () => secret }),
      ...(restart && { restart, ...(forgetful ? { forgetful } : { durable: true }) }),
    },
    unable: restart ? { ...unable, ...restartable } : unable,
    signal,
    conversation: new Conversation(),
  }
  const reachable = /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(hostname)
  const callbacks = reachable
    ? receiver.callbacksAt(`http://${receiver.address}`)
    : 'it is on another machine, which cannot reach our receiver'
  const probed = await probe(target, callbacks)
  const owned = stack.move()
  return { target: probed, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

const stranger = 'only for patterns of ours:'
const unable: Target['unable'] = {
  answerTo: `${stranger} nobody here knows the right result`,
  effects: `${stranger} nobody here sees its tool calls`,
  client: `${stranger} its client is not here`,
  hold: `${stranger} its work cannot be held up`,
  restart: 'nobody here can restart it: see --start and --restart',
  durable: 'nobody here can restart it: see --start and --restart',
  forgetful: 'nobody here can restart it: see --start and --restart',
  silentLink: 'a link of ours carries HTTP, and its address is https',
  lossyLink: 'a link of ours carries HTTP, and its address is https',
  secretOf: 'OUTLAST_WEBHOOK_SECRET is not set',
}

const restartable: Target['unable'] = {
  durable: 'its tasks need not outlive its processes (--forgetful)',
  forgetful: 'its tasks must outlive its processes (--forgetful says that they need not)',
}

function bodyFor({ type, input }: Remote, key: string, work: Work = {}) {
  return { type, input: input ?? inputFor(key, work), ...askedFor(work) }
}

/** In a process of its own, which ends with this one: a link that was silent leaves sockets that keep Node from ending. */
async function openLink(upstream: string, stack: AsyncDisposableStack): Promise<Link> {
  const child = await spawnChild({
    command: process.execPath,
    args: [entryPath('../links/embedded/main', import.meta.url), '--evidence', devNull, '--seed', '1'],
    logFile: devNull,
    stdout: 'pipe',
  })
  stack.defer(() => killGroup(child))
  const { listening } = await readFirstLine<{ listening: string }>(child, 'the link server', devNull)
  const links = stack.use(await openLinks(listening))
  return links.create({ name: 'client->api-0', kind: 'client->api', ordinal: 0, upstream })
}
