import { allVisible } from '../../harness/core/visible.ts'
import type { Format } from '../format.ts'
import { page } from '../html/page.ts'

export default {
  name: 'html',
  summary: 'one self-contained page that opens offline: comparison, matrix, claims, and every task of every cell',
  output: 'file',
  usual: true,
  extension: 'html',
  render: (results) => `${page(allVisible(results)).markup}\n`,
} satisfies Format
