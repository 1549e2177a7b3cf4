/** What GitHub shows beside a check, and on the line of a file where one is named. */
export interface Annotation {
  readonly level: 'error' | 'warning'
  readonly title: string
  readonly message: string
  readonly at?: { readonly file: string; readonly line: string; readonly col: string }
}

/** One line, by which GitHub's runner makes it: https://docs.github.com/actions/reference/workflow-commands-for-github-actions */
export function workflowCommand({ level, title, message, at }: Annotation): string {
  const properties = Object.entries({ ...at, title: `outlast ${title}` })
  const given = properties.map(
    ([name, value]) => `${name}=${escaped(value).replaceAll(':', '%3A').replaceAll(',', '%2C')}`,
  )
  return `::${level} ${given.join(',')}::${escaped(message)}`
}

/** A command ends with its line. */
function escaped(text: string): string {
  return text.replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}
