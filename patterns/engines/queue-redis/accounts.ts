import type { AccountStore } from '../../contract/engine/accounts.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import type { Balances } from '../../contract/types/account.ts'
import type { RedisStore, Script } from './connection.ts'

/**
 * An account is a hash with its credits, a hash of what its steps hold, another one of what they have paid, and one of its
 * top-ups. The key of a hold is its step's, `<task>/<step>`: a repetition finds it.
 */
const keysOf = (principal: string) =>
  ['account', 'held', 'paid', 'top-ups'].map((kind) => `${kind}:${principal}`) as [string, string, string, string]

const open: Script = { lua: `return redis.call('HSETNX', KEYS[1], 'credits', ARGV[1])` }

/** What ended tasks hold comes back. */
const takeBack = `
  local function takeBack()
    local held = redis.call('HGETALL', KEYS[2])
    for i = 1, #held, 2 do
      local task = string.match(held[i], '^(.*)/%d+$')
      if redis.call('HGET', 'task:' .. task, 'done') == '1' then
        redis.call('HDEL', KEYS[2], held[i])
        redis.call('HINCRBY', KEYS[1], 'credits', held[i + 1])
      end
    end
  end`

/** ARGV: step, cost. 1: it is held, or was, or is paid. */
const hold: Script = {
  lua: `
    ${takeBack}
    local credits = tonumber(redis.call('HGET', KEYS[1], 'credits'))
    if not credits or redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1 or redis.call('HEXISTS', KEYS[3], ARGV[1]) == 1 then
      return 1
    end
    local cost = tonumber(ARGV[2])
    if credits < cost then
      takeBack()
      credits = tonumber(redis.call('HGET', KEYS[1], 'credits'))
    end
    if credits < cost then return 0 end
    redis.call('HINCRBY', KEYS[1], 'credits', -cost)
    redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
    return 1`,
}

/** ARGV: step. 0: nothing is held for it. */
const pay: Script = {
  lua: `
    local cost = redis.call('HGET', KEYS[2], ARGV[1])
    if cost then
      redis.call('HDEL', KEYS[2], ARGV[1])
      redis.call('HSET', KEYS[3], ARGV[1], cost)
      redis.call('HINCRBY', KEYS[1], 'spent', cost)
    end
    return (cost or redis.call('HEXISTS', KEYS[3], ARGV[1]) == 1 or redis.call('EXISTS', KEYS[1]) == 0) and 1 or 0`,
}

const read: Script = {
  lua: `
    ${takeBack}
    if redis.call('EXISTS', KEYS[1]) == 0 then return nil end
    takeBack()
    local held = 0
    for _, cost in ipairs(redis.call('HVALS', KEYS[2])) do held = held + tonumber(cost) end
    local account = redis.call('HMGET', KEYS[1], 'credits', 'spent')
    return { tonumber(account[1]), held, tonumber(account[2] or 0) }`,
}

/** ARGV: id, credits. */
const topUp: Script = {
  lua: `
    if redis.call('EXISTS', KEYS[1]) == 0 then return 'unknown' end
    local known = redis.call('HGET', KEYS[4], ARGV[1])
    if known then return known == ARGV[2] and 'known' or 'reused' end
    redis.call('HSET', KEYS[4], ARGV[1], ARGV[2])
    redis.call('HINCRBY', KEYS[1], 'credits', ARGV[2])
    return 'made'`,
}

/** KEYS: buckets. ARGV: of each its tokens per second, and its burst. Milliseconds to wait; 0: a token is taken from each. */
const take: Script = {
  lua: `
    local time = redis.call('TIME')
    local now = time[1] * 1000 + time[2] / 1000
    local wait = 0
    local filled = {}
    for i, key in ipairs(KEYS) do
      local rate, burst = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
      local bucket = redis.call('HMGET', key, 'tokens', 'at')
      local at = tonumber(bucket[2] or now)
      filled[i] = math.min(burst, tonumber(bucket[1] or burst) + math.max(0, now - at) * rate / 1000)
      if filled[i] < 1 then wait = math.max(wait, (1 - filled[i]) * 1000 / rate) end
      if now < at then now = at end
    end
    if wait > 0 then return math.ceil(wait) end
    for i, key in ipairs(KEYS) do
      redis.call('HSET', key, 'tokens', string.format('%.9f', filled[i] - 1), 'at', string.format('%.3f', now))
    end
    return 0`,
}

/** What principals have to begin with is given once, whoever comes again. */
export async function openAccountStore(store: RedisStore, balances: Balances): Promise<AccountStore> {
  for (const [principal, credits] of Object.entries(balances)) await store.run(open, keysOf(principal), [credits])
  const ask = async (script: Script, principal: string, values: readonly (string | number)[]): Promise<boolean> =>
    (await store.run<number>(script, keysOf(principal), values)) === 1
  return {
    hold: ({ taskId, step, principal, credits }) =>
      withFaultPoints('queue-redis.hold', () => ask(hold, principal, [`${taskId}/${step}`, credits])),
    pay: ({ taskId, step, principal }) =>
      withFaultPoints('queue-redis.pay', () => ask(pay, principal, [`${taskId}/${step}`])),
    take: (buckets) => {
      const keys = buckets.map(({ name }) => `tokens:${name}`)
      const values = buckets.flatMap(({ rate }) => [rate.perSecond, rate.burst])
      return withFaultPoints('queue-redis.take', () => store.run<number>(take, keys, values))
    },
    read: async (principal) => {
      const script = () => store.run<[number, number, number] | null>(read, keysOf(principal))
      const found = await withFaultPoints('queue-redis.take-back', script)
      return found ? { principal, credits: found[0], held: found[1], spent: found[2] } : undefined
    },
    topUp: (principal, { id, credits }) => {
      type Outcome = Awaited<ReturnType<AccountStore['topUp']>>
      return withFaultPoints('queue-redis.top-up', () => store.run<Outcome>(topUp, keysOf(principal), [id, credits]))
    },
  }
}
