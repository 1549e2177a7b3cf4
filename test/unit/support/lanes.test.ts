import { expect, test } from 'vitest'
import { openLanes } from '../../support/lanes.ts'

const aMoment = () => new Promise((resolve) => setImmediate(resolve))

test('lanes take their turns together, and one that goes alone waits for the others and holds them off', async () => {
  const open = openLanes()
  const [first, second, third] = [open(), open(), open()]
  await Promise.all([first.enter(), second.enter()])
  const said: string[] = []
  const alone = first.goAlone().then(() => said.push('alone'))
  const late = third.enter().then(() => said.push('late'))
  await aMoment()
  expect(said).toEqual([])
  second.leave()
  await alone
  await aMoment()
  expect(said).toEqual(['alone'])
  first.leave()
  await late
  expect(said).toEqual(['alone', 'late'])
})

test('a lane that never left holds up nobody once it begins its next turn, or ends', async () => {
  const open = openLanes()
  const [first, second] = [open(), open()]
  await first.enter()
  await first.enter()
  first.leave()
  await second.enter()
  await second.goAlone()
  second.leave()
  second.leave()
  await first.enter()
  await expect(first.goAlone()).resolves.toBeUndefined()
})
