import { expect, test } from 'vitest'
import { unreadReader } from '../../../patterns/engines/dbos/mailbox.ts'
import type { Store } from '../../../patterns/engines/_postgres/store.ts'

const letters = ['stop', 'go'].map((id) => ({ command: { id, type: 'resume' }, accepted_at: '' }))

test('looks that coincide are one query, also two of one task that know as much or less', async () => {
  const asked: unknown[] = []
  const query = async (_statement: unknown, values: readonly unknown[]) => {
    asked.push(values)
    return [
      { task_id: 'one', known: 0, letters },
      { task_id: 'one', known: 1, letters: letters.slice(1) },
    ]
  }
  const unread = unreadReader({ query } as unknown as Store)
  const looks = [unread('one', 0), unread('one', 1), unread('other', 0), unread('one', 0)]
  expect(await Promise.all(looks)).toEqual([letters, letters.slice(1), [], letters])
  expect(asked).toEqual([
    [
      ['one', 'one', 'other'],
      [0, 1, 0],
    ],
  ])
})
