import { promises as meanings } from '../../../patterns/contract/types/promises.ts'
import type { Checker } from '../../model/checker.ts'
import { type Section, told } from './entry.ts'

export const checkers: Section = {
  about: 'What judges the histories. Each gives pass, fail, unknown or unexercised.',
  entries: async (registry) =>
    (await registry.checkers()).map((checker) => ({
      name: checker.name,
      summary: checker.summary,
      facts: told([
        ['judges', checker.judges ? `the promise ${checker.judges}: ${meanings[checker.judges]}` : 'the run itself'],
        ['a failure', consequenceOf(checker)],
      ]),
    })),
}

function consequenceOf({ judges, invalidates }: Checker): string {
  if (judges) return 'is a FAIL of a pattern that promises this, and a finding for any other'
  return invalidates ? 'makes the cell INVALID, and nobody is blamed' : 'makes the cell INCONCLUSIVE'
}

export const promises: Section = {
  about: 'What a pattern can promise: it promises what its delivery and its engine both do.',
  entries: async () => Object.entries(meanings).map(([name, summary]) => ({ name, summary, facts: [] })),
}

export const runtimes: Section = {
  about: 'Where the nodes run (`--runtime`).',
  entries: async (registry) =>
    [...(await registry.runtimes()).values()].map(({ name, summary, offers }) => ({
      name,
      summary,
      facts: told([['offers', offers.join(', ')]]),
    })),
}

export const formats: Section = {
  about: 'What `--format` takes.',
  entries: async (registry) =>
    [...(await registry.formats()).values()].map(({ name, summary, output, extension, usual }) => ({
      name,
      summary,
      facts: told([
        ['written as', output === 'screen' ? 'text on the screen' : `report.${extension}`],
        ['unasked', usual ? 'when a run ends' : undefined],
      ]),
    })),
}
