import type { Script } from './connection.ts'

/** A task is a hash and a list, its log. Two sorted sets hold what has to become a job, which scripts cannot make. */
export const keysOf = (taskId: string) => ({ task: `task:${taskId}`, log: `log:${taskId}` })
export const outboxes = { tasks: 'outbox:tasks', callbacks: 'outbox:callbacks' } as const
export const cancelledTasks = 'cancelled-tasks'
export const channels = { events: 'outlast_events', cancel: 'outlast_cancel', command: 'outlast_command' } as const

const nowMs = `local time = redis.call('TIME'); local now = time[1] * 1000 + math.floor(time[2] / 1000)`

/** Nothing for a new task, which now is there with its first event; the fingerprint of the one that was there. */
export const accept: Script = {
  lua: `
    local known = redis.call('HGET', KEYS[1], 'fingerprint')
    if known then return known end
    ${nowMs}
    redis.call('HSET', KEYS[1], 'fingerprint', ARGV[2], 'version', 1, 'done', 0, 'epoch', 0)
    redis.call('RPUSH', KEYS[2], ARGV[3])
    redis.call('ZADD', KEYS[3], now, ARGV[1])`,
}

/** The log from an index on. */
export const readLog: Script = { lua: `return redis.call('LRANGE', KEYS[1], ARGV[1], -1)` }

/** The next epoch and the log, which no other run can continue from now on. Nothing for a task that has ended. */
export const claim: Script = {
  lua: `
    if redis.call('HGET', KEYS[1], 'done') ~= '0' then return nil end
    local epoch = redis.call('HINCRBY', KEYS[1], 'epoch', 1)
    return { epoch, redis.call('LRANGE', KEYS[2], 0, -1) }`,
}

/** ARGV: task, epoch (empty: the API's), version, whether it ends, whether a callback is owed, events. 0: stale. */
export const append: Script = {
  lua: `
    local state = redis.call('HMGET', KEYS[1], 'epoch', 'version', 'done')
    if state[2] ~= ARGV[3] or state[3] ~= '0' or (ARGV[2] ~= '' and state[1] ~= ARGV[2]) then return 0 end
    for i = 6, #ARGV do redis.call('RPUSH', KEYS[2], ARGV[i]) end
    redis.call('HSET', KEYS[1], 'version', ARGV[3] + #ARGV - 5, 'done', ARGV[4])
    if ARGV[4] == '1' and ARGV[5] == '1' then
      ${nowMs}
      redis.call('ZADD', KEYS[3], now, ARGV[1])
    end
    redis.call('PUBLISH', '${channels.events}', ARGV[1])
    return 1`,
}

/** What was written after a version, and whether the epoch is still the current one. */
export const readTail: Script = {
  lua: `return { redis.call('HGET', KEYS[1], 'epoch') == ARGV[1] and 1 or 0, redis.call('LRANGE', KEYS[2], ARGV[2], -1) }`,
}

/** What has waited in an outbox for longer than so many milliseconds. */
export const overdue: Script = {
  lua: `
    ${nowMs}
    return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[1], 'LIMIT', 0, 100)`,
}

export const settle: Script = { lua: `return redis.call('ZREM', KEYS[1], ARGV[1])` }

/** Tasks that somebody has asked to cancel. ARGV: channel, task. */
export const noteCancelled: Script = {
  lua: `
    redis.call('SADD', KEYS[1], ARGV[2])
    return redis.call('PUBLISH', ARGV[1], ARGV[2])`,
}

/** 1: one of these tasks is among them. */
export const findCancelled: Script = {
  lua: `
    for _, task in ipairs(ARGV) do
      if redis.call('SISMEMBER', KEYS[1], task) == 1 then return 1 end
    end
    return 0`,
}

/** ARGV: channel, task. */
export const publish: Script = { lua: `return redis.call('PUBLISH', ARGV[1], ARGV[2])` }
