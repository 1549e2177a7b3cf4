import type { Dice } from './dice.ts'
import { oddTexts } from './odd.ts'
import type { World } from './requests.ts'
import type { Sent } from './wire.ts'

/** A handshake that a WebSocket server takes up, and frames of which most break RFC 6455. */
export function makeSocket({ token, task, host }: World, dice: Dice): Sent {
  const isAuthorized = dice.chance(0.9)
  const auth = isAuthorized ? `Authorization: Bearer ${token}\r\n` : ''
  const extension = dice.chance(0.2)
    ? 'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=99\r\n'
    : ''
  const protocol = dice.chance(0.2) ? `Sec-WebSocket-Protocol: ${dice.pick(['a', 'a,,b', 'x'.repeat(2_000)])}\r\n` : ''
  const after = dice.pick(['', '?after=0', '?after=-1', '?after=9999999999', '?after=%00'])
  const id = dice.chance(0.9) ? task : '%00'
  const head = `GET /v1/tasks/${id}/ws${after} HTTP/1.1\r\nHost: ${host}\r\n${auth}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${extension}${protocol}`
  const frames = Array.from({ length: 1 + dice.below(6) }, () => oddFrame(dice))
  return { bytes: Buffer.from(`${head}\r\n`, 'latin1'), isWhole: true, isAuthorized, frames }
}

function oddFrame(dice: Dice): Buffer {
  return dice.pick<() => Buffer>([
    () =>
      frame(
        0x81,
        Buffer.from(
          JSON.stringify({
            type: dice.pick(['cancel', 'ping', 'resume', ...oddTexts]),
            after: dice.pick([0, -1, 1e308, 'x']),
          }),
        ),
      ),
    () => frame(0x81, Buffer.from(dice.pick(['{', 'null', '[]', '1', '"', '\0', '{"type":"cancel"}']))),
    () => frame(0x81, dice.bytes(20)),
    () => frame(0x82, dice.bytes(50)),
    () => frame(0x81, Buffer.from('no mask'), false),
    () => frame(0x80 | dice.below(16), dice.bytes(dice.below(130))),
    () => frame(dice.below(256), dice.bytes(dice.below(130))),
    () => frame(0x81, Buffer.alloc(dice.pick([4_096, 4_097, 70_000]), 97)),
    () => Buffer.from([0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    () => Buffer.concat(Array.from({ length: 300 }, () => frame(0x01, Buffer.from('a')))),
    () =>
      Buffer.concat([
        frame(0x01, Buffer.from('a')),
        ...Array.from({ length: 300 }, () => frame(0x00, Buffer.from('b'))),
      ]),
    () => Buffer.concat(Array.from({ length: 500 }, () => frame(0x89, Buffer.from('ping')))),
    () => frame(0x89, Buffer.alloc(126)),
    () =>
      frame(
        0x88,
        dice.pick([Buffer.alloc(0), Buffer.alloc(1), Buffer.from([3, 237]), Buffer.from([0, 0, 255]), dice.bytes(60)]),
      ),
    () => dice.bytes(100),
  ])()
}

/** Of one piece; the mask is zero, which is allowed and shows the payload as it is. */
function frame(first: number, payload: Buffer, isMasked = true): Buffer {
  const mask = isMasked ? 0x80 : 0
  const size = payload.length
  const head =
    size < 126
      ? [first, mask | size]
      : size < 65_536
        ? [first, mask | 126, size >> 8, size & 255]
        : [first, mask | 127, 0, 0, 0, 0, 0, size >> 16, (size >> 8) & 255, size & 255]
  return Buffer.concat([Buffer.from(head), Buffer.alloc(isMasked ? 4 : 0), payload])
}
