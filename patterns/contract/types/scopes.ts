import { z } from 'zod'

/** What a token may allow its bearer to do with tasks. Beside these there is one for each tool: `tools:<name>`. */
export const taskScopes = ['tasks:submit', 'tasks:read', 'tasks:cancel', 'tasks:steer', 'tasks:topup'] as const
export type TaskScope = (typeof taskScopes)[number]
export type Scope = TaskScope | `tools:${string}`

/** Name of a tool: what a scope (RFC 6749, 3.3) and a header can hold. */
export const toolName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'letters, digits, "_", "." and "-"')

/** In a grant: every tool. No name of one, so nobody can ask for it. */
export const everyTool = '*'

/** The scopes of ours in a `scope` claim (RFC 8693, 4.2): words with a space between them. Others are passed over. */
export function readScopes(claim: unknown): ReadonlySet<Scope> {
  return new Set(typeof claim === 'string' ? claim.split(' ').filter(isScope) : [])
}

function isScope(word: string): word is Scope {
  return known.has(word) || (word.startsWith(toolPrefix) && toolName.safeParse(word.slice(toolPrefix.length)).success)
}
const known: ReadonlySet<string> = new Set(taskScopes)

const toolPrefix = 'tools:'

export function scopeOf(tool: string): Scope {
  return `${toolPrefix}${tool}`
}

/** The tools that scopes name. */
export function toolsIn(scopes: ReadonlySet<Scope>): readonly string[] {
  return [...scopes].filter((scope) => scope.startsWith(toolPrefix)).map((scope) => scope.slice(toolPrefix.length))
}
