import { all, type Attributes, type Markup, tag, trusted } from '../../reports/html/markup.ts'

/** What the page is about: it does not change while it is open. */
export interface Subject {
  readonly pattern: string
  /** What its parts are, in a line each. */
  readonly parts: readonly string[]
  /** Work that a task can be, by name. */
  readonly work: readonly { readonly name: string; readonly about: string }[]
  readonly timeScale: number
  /** Its tasks have sockets; others are asked again and again. */
  readonly hasSockets: boolean
  /** Where its tasks post their callbacks; undefined: they post none. */
  readonly callbackUrl: string | undefined
}

/** Paths of what belongs to the page, below its own. */
export const paths = { styles: 'page.css', around: 'around' } as const

export function htmlOf(subject: Subject, script: string): string {
  const { hasSockets, callbackUrl } = subject
  const data = { 'data-sockets': hasSockets, 'data-callback': callbackUrl }
  const body = tag('body', data, header(subject), tag('main', {}, newTask(subject), task()), footer())
  return all(trusted('<!doctype html>\n'), tag('html', { lang: 'en' }, head(subject, script), body)).markup
}

function head({ pattern }: Subject, script: string): Markup {
  return tag(
    'head',
    {},
    tag('meta', { charset: 'utf-8' }),
    tag('meta', { name: 'viewport', content: 'width=device-width, initial-scale=1' }),
    tag('meta', { name: 'color-scheme', content: 'light dark' }),
    tag('link', { rel: 'icon', href: 'data:,' }),
    tag('link', { rel: 'stylesheet', href: paths.styles }),
    tag('title', {}, `${pattern} – outlast`),
    tag('script', { type: 'module', src: script }),
  )
}

function header({ pattern, parts, timeScale }: Subject): Markup {
  const scale = timeScale === 1 ? [] : [`durations divided by ${timeScale}`]
  return tag(
    'header',
    { class: 'top' },
    tag('p', { class: 'brand' }, 'outlast, serving'),
    tag('h1', {}, pattern),
    tag('p', { class: 'quiet' }, [...parts, ...scale].join(' · ')),
    tag('noscript', {}, tag('p', {}, 'This page needs scripts: all of them come from outlast itself.')),
    tag('ul', { id: 'nodes', 'aria-label': 'Nodes' }),
    tag('p', { id: 'connection', role: 'status' }),
  )
}

function newTask({ work }: Subject): Markup {
  const options = work.map(({ name, about }) => tag('option', { value: name }, `${name}: ${about}`))
  return tag(
    'section',
    { class: 'new' },
    tag(
      'details',
      { id: 'new', open: true },
      tag('summary', {}, tag('h2', {}, 'New task')),
      tag(
        'form',
        { id: 'submit', novalidate: true },
        field('work', 'Work', tag('select', { id: 'work' }, ...options)),
        field('seed', 'Seed', input('seed', { value: '1', inputmode: 'numeric' })),
        field('budget', 'Budget in credits', input('budget', { inputmode: 'numeric', placeholder: 'no limit' })),
        field('memory', 'Memory, a JSON object', textarea('memory', 4, '{"instruction": "be thorough"}')),
        tag('p', { class: 'actions' }, tag('button', { class: 'main', id: 'submit-button' }, 'Submit')),
        flaw('submit-flaw'),
      ),
      tag(
        'form',
        { id: 'watch', novalidate: true },
        field('watched', 'Or watch a task by its id', input('watched', { autocomplete: 'off', spellcheck: 'false' })),
        tag('p', { class: 'actions' }, tag('button', {}, 'Watch')),
      ),
    ),
  )
}

function task(): Markup {
  const title = tag(
    'div',
    { class: 'title' },
    tag('h2', {}, 'Task'),
    tag('code', { id: 'id' }),
    tag('span', { id: 'status' }),
  )
  return tag(
    'section',
    { id: 'task', hidden: true },
    title,
    tag('dl', { id: 'facts' }),
    tag('progress', { id: 'progress', max: 100, value: 0, 'aria-label': 'Steps done' }),
    tag('div', { class: 'control' }, controls(), commands()),
    tag('div', { class: 'columns' }, memory(), log()),
  )
}

function controls(): Markup {
  return tag(
    'section',
    { 'aria-label': 'Control' },
    tag('h3', {}, 'Control'),
    tag(
      'p',
      { class: 'actions' },
      tag('button', { id: 'interrupt' }, 'Interrupt'),
      tag('button', { id: 'resume' }, 'Resume'),
      tag('button', { id: 'cancel', class: 'danger' }, 'Cancel'),
    ),
    tag(
      'form',
      { id: 'steer', novalidate: true },
      tag(
        'fieldset',
        { id: 'steer-fields' },
        tag('legend', {}, 'Steer: change its memory'),
        tag(
          'p',
          { class: 'choice' },
          choice('steer-instruction', 'New instruction', true),
          choice('steer-patch', 'JSON Patch', false),
        ),
        tag('label', { for: 'steered', id: 'steered-label', class: 'unseen' }, 'New instruction'),
        textarea('steered', 3, ''),
        flaw('steered-flaw'),
        tag('p', { class: 'actions' }, tag('button', {}, 'Steer')),
      ),
    ),
    tag(
      'form',
      { id: 'top-up', novalidate: true },
      tag(
        'fieldset',
        { id: 'top-up-fields' },
        field('credits', 'Top up, in credits', input('credits', { inputmode: 'numeric', value: '10' })),
        tag('p', { class: 'actions' }, tag('button', {}, 'Top up')),
      ),
    ),
  )
}

function commands(): Markup {
  const heads = ['command', 'state'].map((text) => tag('th', { scope: 'col' }, text))
  return tag(
    'section',
    { 'aria-label': 'Commands' },
    tag('h3', {}, 'Commands'),
    tag(
      'p',
      { class: 'note' },
      'Sent, acknowledged once it is on record, then applied or void at the agent’s next safe point.',
    ),
    tag(
      'table',
      { class: 'plain commands' },
      tag('thead', {}, tag('tr', {}, ...heads)),
      tag('tbody', { id: 'commands' }),
    ),
  )
}

function memory(): Markup {
  return tag(
    'section',
    { 'aria-label': 'Memory' },
    tag('h3', {}, 'Memory'),
    tag('p', { class: 'note', id: 'memory-note' }),
    tag('div', { id: 'tree' }),
  )
}

function log(): Markup {
  return tag(
    'section',
    { 'aria-label': 'Log' },
    tag('h3', {}, 'Log'),
    tag('p', { class: 'note' }, 'The latest event first. This is the task: all else on this page is folded from it.'),
    tag('ol', { id: 'log', reversed: true }),
  )
}

function footer(): Markup {
  return tag(
    'footer',
    {},
    tag('p', {}, 'Whoever has this page’s address may do all that is on it. It is open until outlast ends.'),
  )
}

function field(id: string, label: string, control: Markup): Markup {
  return tag('p', { class: `field ${id}` }, tag('label', { for: id }, label), control, flaw(`${id}-flaw`))
}

function input(id: string, more: Attributes): Markup {
  return tag('input', { id, type: 'text', 'aria-describedby': `${id}-flaw`, ...more })
}

function textarea(id: string, rows: number, text: string): Markup {
  return tag('textarea', { id, rows, spellcheck: 'false', 'aria-describedby': `${id}-flaw` }, text)
}

function choice(id: string, label: string, checked: boolean): Markup {
  return tag('label', {}, tag('input', { id, type: 'radio', name: 'steer-by', checked }), ` ${label}`)
}

function flaw(id: string): Markup {
  return tag('span', { id, class: 'flaw', role: 'alert' })
}
