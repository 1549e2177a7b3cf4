import { globSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { root } from '../support/outlast.ts'
import type { Dice } from './dice.ts'
import { distort, escapes, oddTexts } from './odd.ts'
import { targetFiles } from './targets.ts'
import { damageText } from './texts.ts'
import { execFileSync } from '../support/programs.ts'

const texts = globSync('scenarios/*.yaml', { cwd: root })
  .toSorted()
  .map((path) => readFileSync(join(root, path), 'utf8'))
const smoke = readFileSync(join(root, 'scenarios/smoke.yaml'), 'utf8')

/** Make a scenario file that is wrong in some way, as far as anybody can tell. Returns its path. */
export function makeScenario(folder: string, dice: Dice): string {
  const path = join(folder, 'scenario.yaml')
  if (dice.chance(0.04)) return makeOddFile(path, dice)
  if (dice.chance(0.25)) {
    for (const [name, text] of Object.entries(targetFiles(dice, structure))) writeFileSync(join(folder, name), text)
    return path
  }
  writeFileSync(path, scenarioBytes(dice))
  return path
}

function scenarioBytes(dice: Dice): Buffer {
  const text = dice.pick(texts)
  return dice.pick<() => Buffer>([
    () => structure(text, dice),
    () => structure(text, dice),
    () => structure(text, dice),
    () => damageText(text, dice),
    () => damageText(text, dice),
    () => Buffer.from(dice.pick(bombs)(dice)),
    () => Buffer.from(dice.pick(traps)(dice)),
  ])()
}

/** Fields that hold something else, in YAML or in the JSON that YAML is too. */
function structure(text: string, dice: Dice): Buffer {
  const document = distort(parse(text), dice)
  try {
    return Buffer.from(dice.chance(0.2) ? JSON.stringify(document) : stringify(document))
  } catch {
    return Buffer.from(text)
  }
}

/** Small to write and large to read. */
const bombs: readonly ((dice: Dice) => string)[] = [
  (dice) => `name: ${'['.repeat(dice.pick([50, 1_000, 20_000, 200_000]))}`,
  (dice) => `${smoke}note: ${'{a: '.repeat(dice.pick([50, 1_000, 20_000]))}`,
  (dice) => Array.from({ length: dice.pick([50, 1_000]) }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
  (dice) => `${smoke}note:\n${'- '.repeat(dice.pick([50, 1_000, 20_000]))}x\n`,
  (dice) => aliases(dice.pick([3, 6, 9, 30]), dice.pick([2, 9, 20])),
  (dice) =>
    `${aliases(dice.pick([6, 9]), 9)}\n${smoke.replace('patterns: [polling, durable-postgres]', 'patterns: *a5')}`,
  () => `${smoke}note: &a [*a, *a]\n`,
  () => `${smoke}note: &a {b: *a, <<: *a}\n`,
  (dice) => `${smoke}note: {${Array.from({ length: dice.pick([10, 20_000]) }, (_, i) => `k${i}: 1`).join(', ')}}\n`,
  (dice) => `name: x\narms:\n${Array.from({ length: dice.pick([10, 5_000]) }, (_, i) => `  a${i}: []`).join('\n')}\n`,
  (dice) => smoke.replace('[polling', `[${'polling, '.repeat(dice.pick([2, 5_000]))}polling`),
  (dice) =>
    smoke.replace(
      'tasks: 40',
      `tasks: ${dice.pick(['4000000', '1e9', '99999999999999999999', '0', '-1', '.inf', '.nan'])}`,
    ),
  (dice) =>
    smoke.replace(
      'rate: 10/min',
      `rate: ${dice.pick(['1e308/s', '1e-308/s', '0/s', '-1/s', '10/0s', '9'.repeat(400)])}`,
    ),
  (dice) =>
    smoke.replace('grace: 2m', `grace: ${dice.pick(['1e308s', '9999999999999d', '-1s', '25d', '1e-9ms', 'Infinity'])}`),
  (dice) =>
    smoke.replace('timeScale: 60', `timeScale: ${dice.pick(['1e-308', '1e308', '0', '-60', '.inf', '0x3C', '6_0'])}`),
  () => `# ${'x'.repeat(900_000)}\n${smoke}`,
  () => `${smoke}note: ${'x'.repeat(5_000_000)}\n`,
  () => `${smoke}${'\n'.repeat(900_000)}`,
]

function aliases(levels: number, width: number): string {
  const lines = Array.from(
    { length: levels },
    (_, i) => `a${i}: &a${i} [${`${i === 0 ? 'x' : `*a${i - 1}`}, `.repeat(width)}]`,
  )
  return lines.join('\n')
}

/** What somebody writes who wants more than to be measured. */
const traps: readonly ((dice: Dice) => string)[] = [
  (dice) =>
    include(
      dice.pick([
        '../../../../../../etc/passwd',
        '/etc/shadow',
        '/etc/passwd',
        '/dev/zero',
        '/proc/self/environ',
        '.',
        '..',
        '/',
      ]),
    ),
  (dice) =>
    include(
      dice.pick([
        'fifo',
        'loop',
        'http://127.0.0.1:1/',
        'file:///etc/passwd',
        'scenario.yaml',
        './scenario.yaml',
        'no such file',
      ]),
    ),
  (dice) => include(JSON.stringify(dice.pick(oddTexts))),
  (dice) => smoke.replace('name: smoke', `name: ${JSON.stringify(`s${dice.pick(escapes)}`)}`),
  (dice) => smoke.replace('name: smoke', `name: ${JSON.stringify(dice.pick(oddTexts))}`),
  (dice) => smoke.replace('question: Does', `question: ${dice.pick(escapes.concat('<script>alert(1)</script>'))} Does`),
  (dice) => smoke.replace('  kill:', `  ${JSON.stringify(dice.pick(oddTexts))}:`),
  (dice) => smoke.replace('fault: kill', `fault: ${JSON.stringify(dice.pick(oddTexts))}`),
  (dice) => smoke.replace('executor-of-step', JSON.stringify(dice.pick(oddTexts))),
  (dice) =>
    smoke.replace(
      'durable-postgres',
      JSON.stringify(dice.pick([...oddTexts, 'polling+', '+memory', 'a+b+c', '@tuned', 'polling@tuned@tuned'])),
    ),
  (dice) => `${JSON.stringify(dice.pick(oddTexts))}: ${JSON.stringify(dice.pick(oddTexts))}\n${smoke}`,
  (dice) =>
    `${smoke}\n${dice.pick(['__proto__: {tasks: 1}', 'constructor: {prototype: {a: 1}}', '<<: {name: merged}', '? [a, b]\n: c', '? {a: b}\n: c'])}\n`,
  (dice) =>
    `${smoke}note: ${dice.pick(['!!js/function "x"', '!!binary "AAA"', '!<tag:yaml.org,2002:python/object> {}', '!!set {a, b}', '!!omap [a: 1]', '2001-01-01', '0o17', '!!float x'])}\n`,
  (dice) =>
    dice.pick([
      '',
      '\n',
      '# nothing\n',
      '---\n---\n',
      'null',
      '[]',
      '{}',
      '1',
      '"text"',
      `${smoke}---\n${smoke}`,
      `${smoke}...\n}`,
      '\0',
      '&a',
      '*a',
      '%TAG ! x\n--- 1',
    ]),
]

function include(what: string): string {
  return smoke.replace('    - { fault: kill', `    - { include: ${what} }\n    - { fault: kill`)
}

/** Something else than a regular file. */
function makeOddFile(path: string, dice: Dice): string {
  return dice.pick<() => string>([
    () => (execFileSync('mkfifo', [path]), path),
    () => (mkdirSync(path), path),
    () => (symlinkSync(path, path), path),
    () => (symlinkSync('/dev/zero', path), path),
    () => (symlinkSync(`${path}-not-there`, path), path),
    ...[
      '/dev/zero',
      '/dev/full',
      '/dev/null',
      '/dev/random',
      '/dev/stdin',
      '/proc/self/mem',
      '/proc/kmsg',
      '/',
      '',
    ].map((odd) => () => odd),
    () => `${path}/below`,
    () => `${path}${'x'.repeat(5_000)}`,
    ...escapes.map((escape) => () => `${path}${escape}`),
  ])()
}
