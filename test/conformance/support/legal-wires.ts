import type { Wire } from '../../support/unkind-wire.ts'

/** A way to write answers that HTTP, or server-sent events, allow. */
export interface LegalWire {
  readonly name: string
  readonly wire: Wire
}

const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n'
const goOn = 'HTTP/1.1 100 Continue\r\n\r\n'
type Spell = (text: string) => string
const spelled = (name: string, spell: Spell): LegalWire => ({ name, wire: { spell } })
const eachId = (spell: (id: string) => string) => (text: string) =>
  text.replaceAll(/^id: (.*)$/gm, (_, id: string) => spell(id))

const crOnly: Spell = (text) => text.replaceAll('\n', '\r')
/** What may stand in a stream beside its events, and how these may be written. */
const odd: Readonly<Record<string, Spell>> = {
  'events without names': (text) => text.replaceAll(/^event: (?:task|context)\..*\n/gm, ''),
  'data in several lines': (text) => text.replaceAll(/^data: (.*)$/gm, (_, data: string) => inLines(data)),
  'fields of no meaning': (text) => text.replaceAll(/^data: /gm, 'note: mine\nnothing\ndata: '),
  'a time to come back that is none': (text) => text.replaceAll(/^retry: .*$/gm, '$&\nretry: -5s'),
  'events without data': (text) => `event: task.progress\n\nid\n\n${text}`,
  'no space after a colon': (text) => text.replaceAll(/^(\w+): /gm, '$1:'),
  'comments of a megabyte': (text) => `:${'x'.repeat(1_000_000)}\n${text}`,
}
const several = { before: `${goOn}HTTP/1.1 102\r\n\r\n${hints}${goOn}` }

/** RFC 9110 and 9112; WHATWG HTML 9.2.5 and 9.2.6. */
export const legalWires: readonly LegalWire[] = [
  { name: '100 that nobody asked for', wire: { before: goOn } },
  { name: 'early hints', wire: { before: hints } },
  { name: 'several interim answers', wire: several },
  { name: 'HTTP/1.0', wire: { version: '1.0' } },
  { name: 'a connection for each answer', wire: { closes: true } },
  { name: 'no reasons, and names in capitals', wire: { isTerse: true } },
  { name: 'small chunks with extensions, and trailers', wire: { chunkBytes: 5 } },
  spelled('lines that end with CR', crOnly),
  spelled('lines that end with CRLF', (text) => text.replaceAll('\n', '\r\n')),
  ...Object.entries(odd).map(([name, spell]) => spelled(name, spell)),
]

/** The same, as few as there can be. */
export const legalTogether: readonly LegalWire[] = [
  { name: 'several interim answers', wire: several },
  { name: 'HTTP/1.0', wire: { version: '1.0' } },
  {
    name: 'answers in small chunks, with trailers, one on each connection',
    wire: { isTerse: true, closes: true, chunkBytes: 500 },
  },
  spelled('streams that are written in odd ways', (text) =>
    crOnly(Object.values(odd).reduce((told, spell) => spell(told), text)),
  ),
]

/** The contract has other ids than these, and data in every event without a name. No client of ours needs them. */
export const oddWires: readonly LegalWire[] = [
  spelled('events with empty data', (text) => `data\n\ndata:\n\n${text}`),
  spelled(
    'ids with NUL, which are passed over',
    eachId((id) => `id: ${id}\0`),
  ),
  spelled(
    'ids with spaces',
    eachId((id) => `id:  ${id} `),
  ),
]

function inLines(data: string): string {
  return `data: ${JSON.stringify(JSON.parse(data), null, 1).replaceAll('\n', '\ndata: ')}`
}
