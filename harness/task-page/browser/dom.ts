type Attributes = Readonly<Record<string, string | number | boolean | undefined>>

/** One element. Text is text, and never markup. Attributes that are `undefined` or `false` are left out. */
export function el(name: string, attributes: Attributes, ...children: readonly (Node | string)[]): HTMLElement {
  const element = document.createElement(name)
  for (const [attribute, value] of Object.entries(attributes))
    if (value !== undefined && value !== false) element.setAttribute(attribute, value === true ? '' : String(value))
  element.append(...children)
  return element
}

/** An element of the page as it was served: it is there. */
export function byId(id: string): HTMLElement {
  return document.getElementById(id)!
}

/** Of a field, a button, or all that is in a set of fields. */
export function disable(id: string, isDisabled: boolean): void {
  byId(id).toggleAttribute('disabled', isDisabled)
}

export function valueOf(id: string): string {
  return (byId(id) as HTMLInputElement).value
}

/** Says beside a field what is wrong with it; an empty text takes that back. */
export function showFlaw(id: string, flaw: string): void {
  byId(`${id}-flaw`).textContent = flaw
  const field = byId(id)
  if (flaw === '') field.removeAttribute('aria-invalid')
  else field.setAttribute('aria-invalid', 'true')
}

/** What a form's button does; nothing is ever sent by the form itself. */
export function onSubmit(id: string, act: () => void): void {
  byId(id).addEventListener('submit', (event) => {
    event.preventDefault()
    act()
  })
}
