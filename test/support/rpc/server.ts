import { Hono } from 'hono'
import { fullName, healthOf, nameHeader } from '../../../patterns/contract/engine/health.ts'
import type { DeliveryServer } from '../../../patterns/contract/server/delivery-server.ts'
import { bearersOf } from '../../../patterns/contract/server/bearers.ts'
import { requireToken } from '../../../patterns/contract/server/gates.ts'
import { fingerprintOf } from '../../../patterns/contract/server/submission.ts'
import { taskRequest } from '../../../patterns/contract/types/task.ts'

/** `POST /rpc` with `{ call: "submit", key, request }` or `{ call: "tell", id }`; each is answered with `{ task }`, or null. */
const server: DeliveryServer = {
  routes: (backend, settings) => {
    const app = new Hono()
    app.use(async (c, next) => {
      c.header(nameHeader, fullName(settings))
      return next()
    })
    app.get('/healthz', (c) => c.json(healthOf(settings)))
    app.use('/rpc', requireToken(bearersOf(settings)))
    app.post('/rpc', async (c) => {
      const asked = await c.req.json<{ call: string; key: string; request: unknown; id: string }>()
      if (asked.call === 'tell') return c.json({ task: (await backend.read(asked.id)) ?? null })
      const request = taskRequest.parse(asked.request)
      const { task } = await backend.submit({ key: asked.key, fingerprint: fingerprintOf(request), request })
      return c.json({ task })
    })
    return app
  },
}
export default server
