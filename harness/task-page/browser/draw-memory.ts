import { type Line, linesOf } from '../shown/tree.ts'
import { byId, el } from './dom.ts'
import type { Known } from './watched-task.ts'

let drawn: unknown

/** The memory as a tree; what its last patch changed is marked, in words too. */
export function drawMemory({ memory, isVerified, view }: Known): void {
  byId('memory-note').textContent = noteOf(view !== undefined, memory?.version, isVerified)
  if (memory === drawn) return
  drawn = memory
  const lines = memory ? linesOf(memory.document, memory.before) : []
  byId('tree').replaceChildren(...(lines.length > 0 ? [listOf(lines)] : []))
}

function noteOf(isKnown: boolean, version: number | undefined, isVerified: boolean): string {
  if (!isKnown) return ''
  if (version === undefined) return 'The task was submitted without a memory: it cannot be steered.'
  if (version === 1) return 'Version 1, as submitted.'
  const held = isVerified ? 'its digest is the one in the log' : 'its digest is being held against the log'
  return `Version ${version}: ${held}. Marked is what the last patch changed.`
}

function listOf(lines: readonly Line[]): HTMLElement {
  return el('ul', {}, ...lines.map(itemOf))
}

function itemOf({ pointer, name, text, was, mark, below }: Line): HTMLElement {
  const line = el(
    'span',
    { class: mark ? `line fresh ${mark}` : 'line', 'data-pointer': pointer },
    el('span', { class: 'name' }, name),
    ...(text === undefined ? [] : [': ', el('span', { class: 'value' }, text)]),
    ...(was === undefined ? [] : [' ', el('del', { class: 'was' }, was)]),
    ...(mark === undefined ? [] : [el('span', { class: `mark ${mark}` }, mark)]),
  )
  return el('li', {}, line, ...(below.length > 0 ? [listOf(below)] : []))
}
