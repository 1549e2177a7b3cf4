import { parquetWriteBuffer } from 'hyparquet-writer'
import type { Format } from '../format.ts'
import { taskColumns, taskRows, valueIn } from '../task-columns.ts'

const types = { text: 'STRING', number: 'DOUBLE', count: 'INT32', flag: 'BOOLEAN' } as const

/** The rows of `csv` with types of their own; null: there is none. Texts are as they are: nobody takes one for a formula here. */
export default {
  name: 'parquet',
  summary: 'one row per task, typed, for pandas, DuckDB or a warehouse',
  output: 'file',
  extension: 'parquet',
  render(results) {
    const rows = taskRows(results)
    const columnData = taskColumns.map((column) => ({
      name: column.name,
      type: types[column.type],
      nullable: true,
      data: rows.map((row) => valueIn(column, row) ?? null),
    }))
    return new Uint8Array(parquetWriteBuffer({ columnData }))
  },
} satisfies Format
