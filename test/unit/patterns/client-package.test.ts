import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type * as promised from '../../../packages/client/client.d.ts'
import * as source from '../../../patterns/client.ts'

const checkout = join(import.meta.dirname, '../../..')

// What the package's types promise, the source keeps: where it does not, this does not compile.
const open: typeof promised.openTaskClient = source.openTaskClient
const kept = (failure: source.JobFailed): promised.JobFailed => failure
const shown = (task: source.Task): promised.Task => task
// And what the source offers, the types say.
const offered = (name: keyof source.TaskClient): keyof promised.TaskClient => name
const asked = (name: keyof source.TaskSubmission): keyof promised.TaskSubmission => name
const set = (name: keyof source.TaskClientOptions): keyof promised.TaskClientOptions => name

test('the package exports what its types say', () => {
  const declared = readFileSync(join(checkout, 'packages/client/client.d.ts'), 'utf8')
  const names = [...declared.matchAll(/^export declare (?:function|class) (\w+)/gm)].map(([, name]) => name!)
  expect(names.toSorted()).toEqual(Object.keys(source).toSorted())
  expect([open, kept, shown, offered, asked, set].every((one) => typeof one === 'function')).toBe(true)
})

test('the package has the version of the checkout', () => {
  const versionIn = (path: string) =>
    (JSON.parse(readFileSync(join(checkout, path), 'utf8')) as { version: string }).version
  expect(versionIn('packages/client/package.json')).toBe(versionIn('package.json'))
})
