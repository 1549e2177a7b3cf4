import { expect, test } from 'vitest'
import { type Caller, owner, permits } from '../../../../patterns/contract/server/caller.ts'
import { readScopes, scopeOf, toolsIn } from '../../../../patterns/contract/types/scopes.ts'

test('what is allowed is in the token, and for as long as it lasts', () => {
  const caller: Caller = {
    principal: 'ann',
    scopes: readScopes('tasks:cancel tools:search'),
    expiresAt: 1000,
    endsAt: 1000,
  }
  expect([permits(caller, 'tasks:cancel', 999), permits(caller, 'tasks:cancel', 1000)]).toEqual([true, false])
  expect([permits(caller, 'tasks:read', 0), permits(caller, scopeOf('search'), 0)]).toEqual([false, true])
  expect(permits(owner, scopeOf('anything'))).toBe(true)
})

test.each([
  ['tasks:read tasks:submit', ['tasks:read', 'tasks:submit']],
  [' tasks:read  tasks:read ', ['tasks:read']],
  ['openid tools:a tools: tools:* tools:a/b tasks: tasks', ['tools:a']],
  [`tools:${'a'.repeat(64)} tools:${'a'.repeat(65)}`, [`tools:${'a'.repeat(64)}`]],
  [['tasks:read'], []],
  [undefined, []],
  [7, []],
])('of %j these are scopes of ours: %j', (claim, expected) => {
  expect([...readScopes(claim)]).toEqual(expected)
})

test('tools are those that scopes name', () => {
  expect(toolsIn(readScopes('tasks:read tools:search tools:draft'))).toEqual(['search', 'draft'])
})
