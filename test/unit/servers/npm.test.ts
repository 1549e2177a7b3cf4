import { expect, test } from 'vitest'
import { missingPackages } from '../../../servers/_kit/npm.ts'

test('names what npm did not install, each once and in the order asked for', () => {
  const names = ['@no/such-sdk', 'undici', 'no-such-queue', '@no/such-sdk', 'zod']
  expect(missingPackages(names)).toEqual(['@no/such-sdk', 'no-such-queue'])
})

test('names nothing where all is there, or nothing is asked for', () => {
  expect(missingPackages(['undici', 'pg'])).toEqual([])
  expect(missingPackages([])).toEqual([])
})
