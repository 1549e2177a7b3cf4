/** HTML or SVG that is already escaped. Only this file makes it, so that nothing unescaped can reach a page. */
export interface Markup {
  readonly markup: string
}
/** What an element may hold. Strings and numbers are escaped; `undefined` and `false` are nothing. */
export type Child = Markup | string | number | undefined | false | readonly Child[]
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>

const empty = new Set(['meta', 'link', 'br', 'hr', 'col', 'path', 'line', 'circle', 'rect', 'input', 'polygon', 'use'])

/** One element. Attributes that are `undefined` or `false` are left out; `true` appears without a value. */
export function tag(name: string, attributes: Attributes, ...children: readonly Child[]): Markup {
  const open = `<${name}${Object.entries(attributes).map(attribute).join('')}`
  if (children.length === 0 && empty.has(name)) return { markup: `${open}/>` }
  return { markup: `${open}>${children.map(inner).join('')}</${name}>` }
}

export function all(...children: readonly Child[]): Markup {
  return { markup: children.map(inner).join('') }
}

/** Text that is markup already: the style sheet, and nothing that came from a run. */
export function trusted(markup: string): Markup {
  return { markup }
}

function inner(child: Child): string {
  if (child === undefined || child === false) return ''
  if (typeof child === 'string' || typeof child === 'number') return escape(String(child))
  return 'markup' in child ? child.markup : child.map(inner).join('')
}

function attribute([name, value]: readonly [string, Attributes[string]]): string {
  if (value === undefined || value === false) return ''
  return value === true ? ` ${name}` : ` ${name}="${escape(typeof value === 'number' ? short(value) : value)}"`
}

/** Two digits after the point are finer than any screen, and keep pictures small. */
export function short(value: number): string {
  return String(Math.round(value * 100) / 100)
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
