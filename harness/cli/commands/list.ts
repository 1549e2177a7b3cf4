import { readdir } from 'node:fs/promises'
import { parse } from 'yaml'
import { home } from '../../core/own-package.ts'
import { textTable } from '../../core/text-table.ts'
import { exitCodes, UsageError } from '../../core/errors.ts'
import { keptByBoth, promises } from '../../../patterns/contract/types/promises.ts'
import { meanTotalMs, profiles as works } from '../../../patterns/agent/profiles.ts'
import { catalog as named } from '../../../patterns/catalog.ts'
import { readText } from '../../scenario/load.ts'
import { didYouMean } from '../../core/did-you-mean.ts'
import type { Registry } from '../../registry.ts'
import { formatDuration } from '../../scenario/units.ts'
import { longListing, type SectionName } from '../catalogue/catalogue.ts'
import { shippedScenario } from '../arguments.ts'
import type { CommandFile } from '../command.ts'
import { outputScreen, print } from '../output.ts'

/** One kind of thing: its rows are name, what else is to be known, and what it is for. */
interface Listing {
  readonly heads: readonly [string, string, string]
  rows(registry: Registry): Promise<readonly Row[]>
}
type Row = readonly [string, string, string]

const listings: Readonly<Record<SectionName, Listing>> = {
  patterns: {
    heads: ['pattern', 'promises', 'what it is'],
    rows: async (registry) => {
      const catalog = await registry.catalog()
      return named.flatMap(({ name, delivery, engine, summary }) => {
        const pattern = catalog.resolvePattern(name)
        if (!pattern) return []
        const kept = keptByBoth(pattern.delivery, pattern.engine)
        return [[name, kept.join(' '), `${delivery} + ${engine}: ${summary}`] as const]
      })
    },
  },
  deliveries: {
    heads: ['delivery', 'promises', 'what it is'],
    rows: async ({ deliveries }) =>
      [...(await deliveries()).values()].map((one) => [one.name, one.promises.join(' '), one.summary]),
  },
  engines: {
    heads: ['engine', 'promises', 'what it is'],
    rows: async ({ engines }) =>
      [...(await engines()).values()].map((one) => [one.name, one.promises.join(' '), one.summary]),
  },
  faults: {
    heads: ['fault', 'needs', 'what it does'],
    rows: async ({ faults }) =>
      [...(await faults()).values()].map((one) => [one.name, one.needs.join(' '), one.summary]),
  },
  runtimes: {
    heads: ['runtime', 'offers', 'what it is'],
    rows: async ({ runtimes }) =>
      Promise.all(
        [...(await runtimes()).values()].map(
          async (one) => [one.name, one.offers.join(' '), await probed(one)] as const,
        ),
      ),
  },
  checkers: {
    heads: ['checker', 'judges', 'what it checks'],
    rows: async ({ checkers }) =>
      (await checkers()).map((one) => [one.name, one.judges ?? 'the run itself', one.summary]),
  },
  promises: {
    heads: ['promise', '', 'what it means'],
    rows: async () => Object.entries(promises).map(([name, meaning]) => [name, '', meaning]),
  },
  formats: {
    heads: ['format', 'file', 'what it is'],
    rows: async ({ formats }) =>
      [...(await formats()).values()].map((one) => [one.name, `.${one.extension}`, one.summary]),
  },
  scenarios: { heads: ['scenario', 'question', ''], rows: listScenarios },
  work: {
    heads: ['work', 'takes', 'what a task is'],
    rows: async () => [...works].map(([name, one]) => [name, formatDuration(meanTotalMs(one)), one.about ?? '']),
  },
  profiles: { heads: ['profile', 'faults', 'what it is'], rows: listProfiles },
}

async function probed(runtime: { readonly summary: string; probe(): Promise<string | undefined> }): Promise<string> {
  const reason = await runtime.probe()
  return reason === undefined ? runtime.summary : `not usable here: ${reason}`
}

async function listScenarios(): Promise<readonly Row[]> {
  const folder = new URL('scenarios/', home)
  const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml')).toSorted()
  return Promise.all(
    files.map(async (file) => {
      const path = shippedScenario(file.replace('.yaml', ''))
      const { question } = parse(await readText(path)) as { question?: string }
      return [path, question ?? '', ''] as const
    }),
  )
}

/** Whether they are right is seen where they are included. */
async function listProfiles({ catalog }: Registry): Promise<readonly Row[]> {
  const { faultProfiles } = await catalog()
  return [...faultProfiles].flatMap(([name, source]) => {
    const { about, faults } = ('text' in source ? parse(source.text) : {}) as {
      readonly about?: string
      readonly faults?: readonly { readonly fault?: string }[]
    }
    const names = (faults ?? []).map(({ fault }) => fault).join(' ')
    return [[name, names, about ?? ''] as const]
  })
}

const examples = `
Examples:
  outlast list             everything
  outlast list patterns    what each pattern is and promises
  outlast list faults --long    each with its parameters, their units, defaults and ranges, and what proves it`

export default {
  name: 'list',
  summary: 'what scenarios can name, and what each promises',
  declare(command, { registry, done }) {
    const kinds = Object.keys(listings) as readonly SectionName[]
    command
      .argument('[kind]', kinds.join(', '))
      .option('-l, --long', 'all that there is to know of each')
      .addHelpText('after', examples)
      .action(async (asked: string | undefined, { long }: { readonly long?: true }) => {
        const kind = kinds.find((name) => name === asked)
        if (asked !== undefined && kind === undefined)
          throw new UsageError(`there are no "${asked}"${didYouMean(asked, kinds)}; list one of ${kinds.join(', ')}`)
        const tables: string[] = []
        for (const name of kind === undefined ? kinds : [kind])
          tables.push(
            long
              ? await longListing(name, registry, outputScreen().columns)
              : await listTable(listings[name], registry),
          )
        print(tables.join('\n\n'))
        done(exitCodes.pass)
      })
  },
} satisfies CommandFile

/** On a terminal what is too long goes on below; elsewhere a thing is a line, for `grep`. */
async function listTable({ heads, rows }: Listing, registry: Registry): Promise<string> {
  const columns = heads.map((head) => ({ head, align: 'left', spare: 0 }) as const)
  const screen = outputScreen()
  return textTable(columns, await rows(registry), process.stdout.isTTY ? screen : { ...screen, columns: Infinity })
}
