import { isCheckout } from '../../../core/own-package.ts'

/** What pulls the images that have a pin, and builds the others on a pulled base. */
export const imagesCommand = isCheckout ? '`npm run images`' : '`npx outlast images`'

/** What builds all of them. */
export const offlineCommand = isCheckout ? '`npm run images:offline`' : '`npx outlast images --offline`'
