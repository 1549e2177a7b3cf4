import type { Format } from '../format.ts'
import { markdownParts } from '../markdown.ts'

export default {
  name: 'markdown',
  summary: 'short, for a pull request or a step summary',
  output: 'file',
  usual: true,
  extension: 'md',
  render(results) {
    const parts = Object.values(markdownParts(results)).flat()
    return `${parts.filter((part) => part !== '').join('\n\n')}\n`
  },
} satisfies Format
