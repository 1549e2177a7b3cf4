import { expect, test } from 'vitest'
import {
  arrival,
  type RoutedLink,
  cutOf,
  departure,
  mustStay,
  withoutFilter,
} from '../../../harness/runtimes/docker/network/routes.ts'

const link = (name: string, mark: number, to: RoutedLink['to']): RoutedLink => {
  const [from, rest] = name.split('->')
  const kind = `${from}->${rest!.replace(/-\d+$/, '')}` as RoutedLink['kind']
  const marked = { mark, port: 21_000 + mark, virtual: `10.0.14.${mark}`, target: `10.0.1.${mark}` }
  return { name, kind, ordinal: 0, to, marked, upstream: `${marked.virtual}:8080` } as RoutedLink
}
const links = [
  link('client->api-0', 1, { node: 'api-0' }),
  link('client->api-1', 2, { node: 'api-1' }),
  link('api->store-0', 3, { node: 'store-0' }),
  link('worker->tools-0', 4, { outside: '10.0.0.1:9000' }),
]
const nodes = [
  { name: 'api-0', role: 'api' },
  { name: 'store-0', role: 'store' },
] as unknown as Parameters<typeof cutOf>[0]['nodes']
const routes = { table: 't', links, nodes }

test('a node that comes is followed, and one that goes is refused, by every link that leads to it and no other', () => {
  expect(arrival(routes, 'api-0', '10.0.2.1')).toBe(
    [
      'delete element inet t virtual_target { 10.0.14.1 }',
      'add element inet t virtual_target { 10.0.14.1 : 10.0.2.1 }',
      'add element inet t down { 10.0.14.1 }',
      'delete element inet t down { 10.0.14.1 }',
    ].join('\n'),
  )
  expect(departure(routes, 'api-1')).toBe('add element inet t down { 10.0.14.2 }')
  expect(departure(routes, 'nobody')).toBe('')
})

test('who is cut off from all is cut off from those who dial it on both ways of the crossing', () => {
  expect(cutOf(routes, 'api-0', { name: 'x', from: 'all', expiresMs: 1 })).toEqual({
    dialled: 'all',
    whole: [links[0]!.marked],
  })
})

test('who is cut off from a role keeps the others', () => {
  const cut = (node: string, from: 'store' | 'api') => cutOf(routes, node, { name: 'x', from, expiresMs: 1 })
  expect(cut('api-0', 'store')).toEqual({ dialled: [3], whole: [] })
  expect(cut('store-0', 'api')).toEqual({ dialled: [], whole: [links[2]!.marked] })
})

test('without a packet filter a link leads to one address, and no node may move', () => {
  expect(withoutFilter(links[0]!).upstream).toBe('10.0.1.1:8080')
  expect(() => mustStay(routes, 'api-0', '10.0.1.1', 'no rights')).not.toThrow()
  expect(() => mustStay(routes, 'api-0', '10.0.2.1', 'no rights')).toThrow(/another address: no rights/)
})
