import type { Delivery } from '../../contract/types/delivery.ts'
import { sureResults } from '../../contract/types/promises.ts'

const delivery: Delivery = {
  name: 'polling',
  summary: '202 and a status resource with partial state, read by conditional long polls',
  promises: sureResults,
  events: false,
  callback: false,
  anyApi: true,
}
export default delivery
