/** In a container of its own a server listens on all of them. */
export const everyAddress = '0.0.0.0'
