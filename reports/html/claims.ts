import type { RunResults } from '../../harness/model/results.ts'
import { effectNote } from '../../harness/model/gate-effect.ts'
import type { Claim, GateResult } from '../../harness/model/judgements.ts'
import { failureScale, logScale, line, picture, rect } from './svg.ts'
import { gateInterval, gateLimit, gateName, gateObserved } from '../gates.ts'
import { count, duration, neededText, percent } from '../numbers.ts'
import { all, tag, type Markup } from './markup.ts'
import { badge, section, table } from './elements.ts'

const width = 280

/** A card per published number, with what theory predicts and what was measured here. */
export function claims({ claims: list }: RunResults): Markup | undefined {
  if (list.length === 0) return undefined
  const lead =
    'What somebody published, what the closed form predicts under the same faults, and what was measured here.'
  return section('claims', 'Published, predicted, measured', lead, tag('div', { class: 'cards' }, ...list.map(card)))
}

function card(claim: Claim): Markup {
  const show = showOf(claim)
  const optional = (value: number | undefined): string => (value === undefined ? '–' : show(value))
  const facts: readonly (readonly [string, string])[] = [
    ['published', show(claim.published)],
    ['predicted', optional(claim.predicted)],
    ['measured', optional(claim.measured)],
  ]
  return tag(
    'article',
    { class: 'card' },
    tag('header', {}, tag('h3', {}, claim.pattern), badge(claim.verdict)),
    tag('p', { class: 'quiet' }, `${claim.metric} under ${claim.arm} · ${claim.source}`),
    tag('dl', {}, ...facts.map(([name, value]) => tag('div', {}, tag('dt', {}, name), tag('dd', {}, value)))),
    claimPicture(claim),
    tag(
      'p',
      { class: 'quiet' },
      claim.interval && `95 % interval ${claim.interval.map(show).join(' to ')}, n = ${count(claim.n)}`,
    ),
    tag('p', {}, claim.note),
  )
}

function showOf({ metric }: Claim): (value: number) => string {
  return metric === 'success' ? percent : duration
}

/** All three on one axis: failures for success, milliseconds for overhead, both logarithmic. */
function claimPicture(claim: Claim): Markup | undefined {
  if (claim.measured === undefined || !claim.interval) return undefined
  const lossy = claim.metric === 'success'
  const axis = lossy ? failureScale(claim.n, width - 20) : logScale(1, 100_000, width - 20)
  const at = (value: number): number => 10 + axis(lossy ? 1 - value : value)
  const ends = claim.interval.map(at)
  const [low, high] = [Math.min(...ends), Math.max(...ends)]
  const words = `published ${showOf(claim)(claim.published)}, measured ${showOf(claim)(claim.measured)}`
  return picture(
    [width, 34],
    words,
    'whisker claim',
    line([10, 17], [width - 10, 17], 'grid'),
    rect({ x: low, y: 13.5, width: Math.max(high - low, 1), height: 7 }, 'bar'),
    claim.predicted !== undefined && line([at(claim.predicted), 6], [at(claim.predicted), 28], 'predicted'),
    tag('circle', { cx: at(claim.measured), cy: 17, r: 4.5, class: 'point' }),
    diamond(at(claim.published), 17),
  )
}

export function diamond(x: number, y: number): Markup {
  return tag('polygon', { points: `${x - 7},${y} ${x},${y - 7} ${x + 7},${y} ${x},${y + 7}`, class: 'published' })
}

export function gates({ gates: list }: RunResults): Markup | undefined {
  if (list.length === 0) return undefined
  const heads = ['Gate', 'Limit', 'Observed', '95 % interval', 'n', 'would settle it', 'Verdict']
  return section('gates', 'Gates', undefined, table(heads, list.map(gateRow)))
}

function gateRow(result: GateResult): readonly (string | Markup)[] {
  const { gate, n, needed, verdict } = result
  const effect = effectNote(result)
  return [
    gateName(gate),
    gateLimit(gate),
    gateObserved(result),
    gateInterval(result),
    count(n),
    needed ? neededText(needed) : '–',
    effect === '' ? all(badge(verdict)) : all(badge(verdict), ` ${effect}`),
  ]
}
