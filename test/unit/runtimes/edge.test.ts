import { expect, test } from 'vitest'
import { edgeConfig } from '../../../harness/runtimes/docker/network/edge.ts'

const listener = { port: 18_000, upstream: '10.0.14.1:8080' }

test('a load balancer says itself which limits are in force, whether or not the node behind answers', () => {
  const config = edgeConfig([listener], new Map([[18_000, { name: 'x', idleMs: 1000, buffering: true }]]))
  expect(config).toContain('add_header X-Outlast-Edge "idle=1000ms buffering=on" always;')
  const [own, rest] = config.split('location = /outlast-edge').slice(1).join('').split('location / {')
  expect(own).toMatch(/access_log off; return 204;/)
  expect(own).not.toContain('proxy_pass')
  expect(rest).toContain('proxy_pass http://10.0.14.1:8080;')
})

test('without limits it imposes nothing', () => {
  expect(edgeConfig([listener], new Map())).toContain('X-Outlast-Edge "none"')
})

test('it stays who it is: without capabilities it may become nobody else', () => {
  expect(edgeConfig([listener], new Map())).toMatch(/^user root;$/m)
})
