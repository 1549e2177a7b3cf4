import { exitCodes } from '../../core/errors.ts'
import { provideImages } from '../../runtimes/docker/images/build.ts'
import type { CommandFile } from '../command.ts'

const explanation = `
An image that is there already is left alone. One of a server that cannot be made costs the engines on it, in containers.
Exits with 4 when an image is missing that every run with --runtime docker needs.`

export default {
  name: 'images',
  summary: 'make the container images that --runtime docker starts',
  declare(command, { done }) {
    command
      .option(
        '--offline',
        'build all of them where no registry answers: needs root, Debian or Ubuntu, debootstrap and Go',
      )
      .addHelpText('after', explanation)
      .action(async ({ offline }: { readonly offline?: true }) => {
        done((await provideImages(offline ? 'offline' : 'registry')) ? exitCodes.pass : exitCodes.invalid)
      })
  },
} satisfies CommandFile
