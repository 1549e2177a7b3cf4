import { expect, test } from 'vitest'
import { Lanes } from '../../../patterns/contract/client/lane.ts'

const windowMs = 1_100

function open() {
  const clock = { nowMs: 0 }
  return { clock, lanes: new Lanes(() => clock.nowMs, windowMs) }
}

test('calls about one task have one lane, and one that begins soon after the last has it too', () => {
  const { clock, lanes } = open()
  const lane = lanes.enter('task_1')
  expect(lanes.enter('task_1')).toBe(lane)
  expect(lanes.enter('task_2')).not.toBe(lane)
  lane.reserve(0, windowMs)
  lanes.leave('task_1')
  lanes.leave('task_1')
  clock.nowMs = 1_000
  expect(lanes.enter('task_1')).toBe(lane)
})

test('what a server asked for outlives the call that heard it, and the lane goes when that is over', () => {
  const { clock, lanes } = open()
  const lane = lanes.enter('task_1')
  lane.hold({ untilMs: 60_000, keptUntilMs: 30_000 })
  lanes.leave('task_1')
  clock.nowMs = 50_000
  expect(lanes.enter('task_1')).toBe(lane)
  lanes.leave('task_1')
  clock.nowMs = 70_000
  lanes.enter('task_2')
  lanes.leave('task_2')
  expect(lanes.size).toBe(0)
})

test('thousands of tasks, one after another, beside some that stay, leave nothing', () => {
  const { clock, lanes } = open()
  for (let i = 0; i < 10; i++) lanes.enter(`long_${i}`)
  for (let i = 0; i < 5_000; i++) {
    lanes.enter(`task_${i}`).reserve(clock.nowMs, windowMs)
    lanes.leave(`task_${i}`)
    clock.nowMs += 100
  }
  expect(lanes.size).toBeLessThan(40)
})

test('of two requests that were sent last the older one makes room', () => {
  const lane = open().lanes.enter('task_1')
  const first = lane.reserve(0, windowMs)
  lane.reserve(100, windowMs)
  // The first arrives late: two are within its second, and the third keeps off from the other.
  first.atMs = 500
  expect(lane.reserve(600, windowMs).atMs).toBe(1_200)
  expect(lane.reserve(600, windowMs).atMs).toBe(1_600)
})

test('a place that is given back is one for the next, and no more than that', () => {
  const lane = open().lanes.enter('task_1')
  const [, , , fourth] = [0, 0, 0, 0].map((now) => lane.reserve(now, windowMs))
  expect(fourth!.atMs).toBe(1_100)
  fourth!.atMs = -Infinity
  expect(lane.reserve(10, windowMs).atMs).toBe(1_100)
})
