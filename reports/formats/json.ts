import { visibleJson } from '../../harness/core/visible.ts'
import type { Format } from '../format.ts'

export default {
  name: 'json',
  summary: 'results.json: everything, for programs (versioned)',
  output: 'file',
  extension: 'json',
  render: (results) => `${visibleJson(JSON.stringify(results, null, 1))}\n`,
} satisfies Format
