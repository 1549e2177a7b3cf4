/**
 * How often the intervals of success rates hold the true one, over designs with shared faults: per design the share of
 * studies with an interval that hold it, below and above, and the share that show none. Exits 1 where fewer than 93 % do.
 *
 * A study that shows no interval claims nothing. Where most show none, because fewer than 5 shared episodes are expected, those
 * that do are the unlucky ones with more: there it counts how many of all studies claim something false.
 *
 * usage: node bench/coverage.ts [--studies 400] [--part 1/1]
 */
import { parseArgs } from 'node:util'
import { createRng } from '../harness/core/rng.ts'
import { intervalOverEpisodes } from '../harness/stats/episodes.ts'
import { type Design, drawSample, truthOf } from './episode-designs.ts'

const { values } = parseArgs({ options: { studies: { type: 'string' }, part: { type: 'string' } } })
const studies = Number(values.studies ?? 400)
const [part, parts] = (values.part ?? '1/1').split('/').map(Number) as [number, number]

const faults = [1, 2, 3, 5, 6, 7, 10, 14, 20]
const sizes = [[1], [8, 4, 2, 1]]
const tasks = 200
/** Success over all; where it is lost: by touched tasks alone where they can lose that much, or by all alike. */
const worlds = [0.98, 0.8, 0.5, 0.03].flatMap((success) =>
  [0.1, 0.4, 1].flatMap((touched) => [
    { touched, inside: success, outside: success },
    ...(1 - success < touched && touched < 1 ? [{ touched, inside: 1 - (1 - success) / touched, outside: 1 }] : []),
  ]),
)
const designs: readonly Design[] = (['fixed', 'drawn'] as const).flatMap((firings) =>
  faults.flatMap((count) =>
    sizes.flatMap((relative) =>
      worlds.flatMap((world) =>
        [0, 0.05, 0.2, 0.5, 1].map((rho) => ({ firings, faults: count, sizes: relative, tasks, ...world, rho })),
      ),
    ),
  ),
)

interface Tally {
  shown: number
  below: number
  above: number
}

function study(design: Design): Tally {
  const rng = createRng(1, JSON.stringify(design))
  const truth = truthOf(design)
  const tally: Tally = { shown: 0, below: 0, above: 0 }
  for (let i = 0; i < studies; i++) {
    const sample = drawSample(rng, design)
    // Where no fault happened to fire there is nothing to be judged: the run says so elsewhere.
    const interval = sample.episodes.length === 0 ? undefined : intervalOverEpisodes(sample, design.firings)
    if (!interval) continue
    tally.shown++
    if (truth < interval[0] - 1e-12) tally.below++
    if (truth > interval[1] + 1e-12) tally.above++
  }
  return tally
}

let [misses, over, told] = [0, 0, 0]
for (const [i, design] of designs.entries()) {
  if (i % parts !== part - 1) continue
  const { shown, below, above } = study(design)
  if (shown === 0) continue
  told++
  const of = 2 * shown < studies ? studies : shown
  const coverage = 1 - (below + above) / of
  // Three standard errors of the simulation itself.
  const missed = coverage + 3 * Math.sqrt((0.93 * 0.07) / of) < 0.93
  if (missed) misses++
  if (coverage > 0.99) over++
  const { firings, faults: count, sizes: relative, touched, inside, outside, rho } = design
  const name = `${firings} ${count} faults of ${relative.join(':')}, ${touched * 100} % touched, inside ${inside.toFixed(3)}, outside ${outside.toFixed(2)}, rho ${rho}`
  const low = ((100 * below) / of).toFixed(1)
  const high = ((100 * above) / of).toFixed(1)
  console.log(
    `${missed ? 'MISS ' : ''}${(100 * coverage).toFixed(1)} % (${low} below, ${high} above; ${shown} shown): ${name}`,
  )
}
console.log(`${told} designs: ${misses} below 93 %, ${over} above 99 %`)
process.exitCode = misses > 0 ? 1 : 0
