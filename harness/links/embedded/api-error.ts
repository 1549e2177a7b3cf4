/** A request that cannot be served: becomes Toxiproxy's `{"error": message, "status": status}`. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}
