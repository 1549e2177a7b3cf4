import { styles } from '../../reports/html/styles.ts'

const ownStyles = `
[hidden]{display:none!important}.unseen{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden;white-space:nowrap}
main>section{margin-top:28px}
#nodes{list-style:none;padding:0;margin:10px 0 0;display:flex;flex-wrap:wrap;gap:4px 20px;font-size:13.5px}
#nodes i{display:inline-block;width:9px;height:9px;border-radius:50%;margin-right:6px;border:2px solid var(--pass);background:var(--pass)}
#nodes .down i{background:none;border-color:var(--fail)}#nodes .down b{color:var(--fail)}#nodes b{font-weight:600}#nodes span{color:var(--quiet)}
#connection{margin:8px 0 0;font-size:13.5px;color:var(--quiet);min-height:1.5em}#connection.broken{color:var(--fail);font-weight:600}
summary h2{display:inline}.new details{margin:0}
form,fieldset{margin:0;padding:0;border:0;min-width:0}fieldset[disabled]{opacity:.55}
#submit{display:grid;gap:10px 18px;grid-template-columns:minmax(0,3fr) minmax(0,1fr) minmax(0,1fr);margin-top:12px}#submit .memory,#submit .actions,#submit .flaw{grid-column:1/-1}
#watch,#top-up fieldset{display:flex;flex-wrap:wrap;gap:8px 12px;align-items:end;margin-top:16px}#watch .field{flex:0 1 420px}#top-up .field{flex:0 1 160px}
.field{margin:0;min-width:0}.field label,legend{display:block;font-size:13px;font-weight:600;margin:0 0 3px;padding:0}
input[type=text],select,textarea{width:100%;min-height:35px;font:inherit;font-size:14px;color:var(--ink);background:var(--bg);border:1px solid var(--quiet);border-radius:6px;padding:6px 9px;text-overflow:ellipsis}
textarea{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;resize:vertical;display:block}
[aria-invalid=true]{border-color:var(--fail)!important;border-width:2px!important}::placeholder{color:var(--quiet);opacity:1}
.actions{margin:0;display:flex;flex-wrap:wrap;gap:8px}
button{font:inherit;font-size:14px;font-weight:600;color:var(--accent);background:var(--bg);border:1px solid currentColor;border-radius:6px;padding:6px 14px;cursor:pointer}
button:hover:not(:disabled){background:var(--panel)}button.main{color:var(--bg);background:var(--accent);border-color:var(--accent)}button.main:hover:not(:disabled){background:var(--point);border-color:var(--point)}
button.danger{color:var(--fail)}button:disabled{color:var(--quiet);cursor:not-allowed;opacity:.6}fieldset[disabled] button:disabled{opacity:1}
:is(button,input,select,textarea,summary,a):focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.flaw{display:block;color:var(--fail);font-size:13.5px;font-weight:600;margin:4px 0 0;overflow-wrap:anywhere}.flaw:empty{display:none}
#task .title h2{margin:0}#status .badge{font-size:13px}
.badge.running{color:var(--accent)}.badge.queued,.badge.cancelling,.badge.input_required{color:var(--warn)}.badge.completed{color:var(--pass)}.badge.failed,.badge.expired,.badge.rejected{color:var(--fail)}.badge.cancelled{color:var(--quiet)}
#facts{display:flex;flex-wrap:wrap;gap:10px 32px;margin:12px 0}#facts div{min-width:0}#facts dt{font-size:12px;color:var(--quiet)}#facts dd{margin:0;font-size:17px;overflow-wrap:anywhere}#facts small{display:block;font-size:12.5px;color:var(--quiet)}
#progress{width:100%;height:8px;display:block;accent-color:var(--accent)}
.control,.columns{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:24px 40px;align-items:start}.control section,.columns section{margin-top:24px}
.control h3+*{margin-top:8px}#steer{margin-top:18px}.choice{margin:0 0 6px;display:flex;gap:18px;font-size:14px}#steer .actions{margin-top:8px}
.plain.commands{width:100%}.commands td,.commands th{vertical-align:top}.commands td:first-child{padding-left:0}.commands td:first-child{overflow-wrap:anywhere}.commands .stage{font-weight:600;white-space:nowrap}.commands small{display:block;color:var(--quiet);font-size:12.5px}.commands .empty{color:var(--quiet)}
.stage.sent,.stage.acknowledged{color:var(--warn)}.stage.applied{color:var(--pass)}.stage.void,.stage.refused{color:var(--fail)}
#tree{margin-top:8px;font:13px/1.6 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}#tree ul{list-style:none;margin:0;padding:0 0 0 18px}#tree>ul{padding:0}
#tree .line{display:block;padding:0 8px;border-left:3px solid transparent;overflow-wrap:anywhere}#tree .name{color:var(--accent)}#tree .was,#tree .removed .line{color:var(--quiet)}
#tree .line.added{border-color:var(--pass);background:rgb(85 201 138/.14)}#tree .line.changed{border-color:var(--warn);background:rgb(242 193 78/.2)}#tree .line.removed{border-color:var(--fail);background:rgb(255 122 107/.12)}
#tree .line.removed .value,#tree .line.removed .name,#tree .was{text-decoration:line-through}#tree .mark{font:600 11px system-ui,sans-serif;margin-left:8px;text-decoration:none}.mark.added{color:var(--pass)}.mark.changed{color:var(--warn)}.mark.removed{color:var(--fail)}
#log{list-style:none;margin:8px 0 0;padding:0;font-size:13.5px}#log li{display:grid;grid-template-columns:66px 36px minmax(0,1fr);gap:0 8px;padding:3px 0;border-bottom:1px solid var(--grid)}
#log time,#log .seq{color:var(--quiet)}#log .seq{text-align:right}#log .what{overflow-wrap:anywhere}#log .resumed .what,#log .interrupted .what{color:var(--warn);font-weight:600}#log .command_void .what,#log .failed .what,#log .expired .what{color:var(--fail);font-weight:600}#log .completed .what{color:var(--pass);font-weight:600}
@media (prefers-reduced-motion:no-preference){#log li.fresh,#tree .line.fresh{animation:arrive 1.2s ease-out}@keyframes arrive{from{box-shadow:0 0 0 2px var(--fault)}}}
@media (max-width:900px){.control,.columns{grid-template-columns:minmax(0,1fr);gap:0}}
@media (max-width:600px){#submit{grid-template-columns:minmax(0,1fr) minmax(0,1fr)}#submit .work{grid-column:1/-1}#facts{gap:8px 22px}#log li{grid-template-columns:62px 28px minmax(0,1fr)}}
`.trim()

export const pageStyles = `${styles}\n${ownStyles}\n`
