/** Colours that the common colour deficiencies can tell apart (Okabe and Ito, 2008); none alone carries a meaning. */
export const styles = `
:root{color-scheme:light dark;
--bg:#fff;--panel:#f6f7f9;--ink:#16191d;--quiet:#5b6470;--rule:#dfe3e8;--grid:#e8ebef;--accent:#1f5fbf;--bar:#8fb4e8;--point:#15407f;
--pass:#1a7f47;--fail:#c0271c;--warn:#946200;--invalid:#6b5b95;
--s0:#d3efdc;--s1:#e6f3cf;--s2:#fbeec2;--s3:#fad8b8;--s4:#f5bfb5;--gone:#e4e6ea;--shadeink:#16191d;
--ok:#2f77c4;--late:#e09a00;--failed:#d2601a;--lostresult:#c0559b;--stuck:#7b58b0;--wrong:#111418;--losteverywhere:#c0271c;--notoffered:#8a929c;
--life:#b9cfea;--fault:#f2c14e;--faultalpha:.3;
--k0:#0072b2;--k1:#c14e00;--k2:#00805d;--k3:#b0518a;--k4:#a87000;--k5:#2b87bd;--k6:#16191d;--k7:#7b58b0}
@media screen and (prefers-color-scheme:dark){:root{
--bg:#121519;--panel:#1a1f25;--ink:#e8ebef;--quiet:#9aa5b1;--rule:#2f363f;--grid:#262c34;--accent:#7fb0f5;--bar:#36578a;--point:#a9cbff;
--pass:#55c98a;--fail:#ff7a6b;--warn:#e5b04b;--invalid:#b3a1e6;
--s0:#17452c;--s1:#36481c;--s2:#57480f;--s3:#623a14;--s4:#6b251d;--gone:#2b3037;--shadeink:#f3f5f7;
--ok:#5fa3ee;--late:#f0b23c;--failed:#f08a4b;--lostresult:#e58ac4;--stuck:#ae92e0;--wrong:#f3f5f7;--losteverywhere:#ff6a5a;--notoffered:#8a929c;
--life:#33496a;--fault:#c9952b;--faultalpha:.28;
--k0:#5fa8e0;--k1:#f0864a;--k2:#3cc79c;--k3:#e08fc0;--k4:#e3b04a;--k5:#8fd0f5;--k6:#e8ebef;--k7:#b79be8}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
body>*{max-width:1340px;margin:0 auto;padding:0 32px}
a{color:var(--accent);text-decoration:none}p a,li a{text-decoration:underline}a:hover,a:focus-visible{text-decoration:underline}
h1{font-size:30px;line-height:1.2;letter-spacing:-.015em;margin:0}
h2{font-size:20px;line-height:1.3;letter-spacing:-.01em;margin:0 0 6px}
h3{font-size:16px;margin:0}
code{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;background:var(--panel);border:1px solid var(--rule);border-radius:4px;padding:1px 5px;overflow-wrap:anywhere}
section{margin:44px 0 0}
.top{padding-top:20px}.top+main>section:first-child{margin-top:20px}
.brand{font-weight:650;letter-spacing:.02em;color:var(--quiet)}
.title{display:flex;gap:6px 14px;align-items:center;flex-wrap:wrap}.again code{user-select:all}
.title .badge{font-size:15px;padding:4px 12px}
.headline{font-weight:600;margin:6px 0 2px}
.question{font-size:17px;margin:6px 0 4px;max-width:90ch}
.quiet,.note,footer{color:var(--quiet);font-size:13px}
.quiet{margin:4px 0}.note{max-width:105ch;margin:10px 0 0}.lead{color:var(--quiet);margin:0 0 12px;max-width:100ch}
.reasons{margin:8px 0;padding:6px 16px 6px 34px;background:var(--panel);border-left:3px solid var(--rule);border-radius:0 6px 6px 0}
.reasons li{margin:2px 0}
.badge{display:inline-block;font-size:12px;font-weight:650;letter-spacing:.03em;border:1px solid currentColor;border-radius:999px;padding:1px 8px;white-space:nowrap}
.pass,.kept,.consistent{color:var(--pass)}.fail,.broken,.refuted{color:var(--fail)}.inconclusive,.underpowered,.unknown,.not-tested{color:var(--warn)}.unexercised{color:var(--quiet)}
.badge.invalid,.badge.not-comparable{color:var(--invalid)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th,td{padding:6px 10px;text-align:left;vertical-align:middle;font-weight:400}
thead th{color:var(--quiet);font-size:12.5px;vertical-align:bottom;border-bottom:1px solid var(--rule);white-space:nowrap}
tbody tr{border-bottom:1px solid var(--grid)}
tbody th{white-space:nowrap}
.strip td,.strip tbody th{padding:3px 7px;font-size:13.5px}.strip thead th{padding:6px 7px}.strip tbody th{padding-left:0}.strip thead th:first-child{padding-left:0}.strip .of{min-width:118px}.strip .success strong{font-size:15px}
.strip .arm th{padding:10px 10px 3px 0;font-weight:650;font-size:13.5px}
.strip .arm{border-bottom:1px solid var(--rule)}
.strip tbody:first-of-type .arm th{padding-top:6px}.parts .axis{width:230px}
.grids{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(520px,100%),1fr));gap:22px}.grids thead th:first-child{font-weight:650;color:var(--ink)}
.number{text-align:right;white-space:nowrap}thead th.number{text-align:right}
.strip small{display:block;font-size:11.5px;line-height:1.25;color:var(--quiet)}.strip tbody tr:not(.arm) td{padding-top:3px;padding-bottom:3px}
.axis{padding:0!important;width:190px}thead .axis{text-align:left;padding-bottom:4px!important}
tr.invalid>td:not(.verdict),tr.invalid>th{color:var(--quiet);font-style:italic}tr.invalid .point{fill:var(--quiet)}
svg{display:block;max-width:100%;height:auto}
.axis svg{max-width:none}
svg text{font:11px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;fill:var(--quiet);font-variant-numeric:tabular-nums}
.grid{stroke:var(--grid);stroke-width:1;shape-rendering:crispEdges}
.tick{text-anchor:middle}.tick.end{text-anchor:end}
.bar{fill:var(--bar)}.bar.invalid{fill:var(--gone)}.bar.small{fill-opacity:.45}
.point{fill:var(--point);stroke:var(--bg);stroke-width:1.5}.point.open{fill:var(--bg);stroke:var(--point);stroke-width:2}
.published{fill:none;stroke:var(--fail);stroke-width:2}.predicted{stroke:var(--ink);stroke-width:2}
.matrix{border-collapse:separate;border-spacing:4px;margin-left:-4px;width:auto}
.matrix th{font-size:13.5px}.matrix thead th{border:0;padding:4px 10px;color:var(--ink);font-weight:600}
.matrix tbody tr{border:0}.matrix tbody th{padding-left:0;font-weight:600}
.matrix td{padding:0;min-width:140px;vertical-align:top}
.matrix thead td{min-width:0}
.tile{border-radius:6px;padding:8px 12px;min-height:74px;font-size:13px;line-height:1.45;color:var(--shadeink)}
.tile+.tile{margin-top:4px}
.tile a{color:inherit;text-decoration:underline}details.tile{margin:0}.tile summary{font-size:13px;font-weight:400;list-style-position:outside;list-style:none}.tile summary::-webkit-details-marker{display:none}
.tile summary>b{font-size:16px;font-weight:650;margin-right:4px}.tile summary>b::after{content:" ▸";font-size:11px;font-weight:400}.tile[open] summary>b::after{content:" ▾"}
.tile span{display:block;font-size:12px;white-space:nowrap}.tile ul{margin:6px 0;padding-left:16px;max-width:270px}.tile p{margin:4px 0}
.tile em{display:block;font-style:normal;font-weight:650;font-size:12px}
.na{color:var(--quiet);font-size:13px;padding:8px 12px!important;max-width:190px}.na small{display:block;font-size:11.5px;line-height:1.35}.na abbr{text-decoration:none}
.shade-0{background-color:var(--s0)}.shade-1{background-color:var(--s1)}.shade-2{background-color:var(--s2)}.shade-3{background-color:var(--s3)}.shade-4{background-color:var(--s4)}
.tile.invalid,.swatch.invalid{background-color:var(--gone)}
.hatched{background-image:repeating-linear-gradient(45deg,transparent 0 6px,rgb(128 128 128/.28) 6px 8px)}
.swatch{display:inline-block;width:13px;height:13px;border-radius:3px;vertical-align:-2px;margin-left:6px;border:1px solid rgb(128 128 128/.35)}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(300px,1fr));gap:16px}
.card{border:1px solid var(--rule);border-radius:10px;padding:14px 16px}
.card header,.cell header{display:flex;justify-content:space-between;align-items:center;gap:10px}
.card p{margin:6px 0 0;font-size:13px}
.card dl{display:flex;gap:18px;margin:12px 0 4px}.card dt{font-size:12px;color:var(--quiet)}.card dd{margin:0;font-size:19px;font-weight:400}.card div:last-child>dd{font-weight:650}
.panels{display:flex;flex-wrap:wrap;gap:12px 18px}
figure{margin:0}.key{font-size:13px;margin:8px 0 0;padding:0;list-style:none;display:flex;flex-wrap:wrap;gap:2px 18px}.key i{display:inline-block;width:18px;border-top:3px solid var(--k);margin-right:6px;vertical-align:4px}
#cost .key i{display:none}
figcaption{font-weight:600;font-size:13.5px}
.scatter .name{fill:var(--ink);font-weight:650;text-anchor:middle}.whiskerline{stroke:var(--bar);stroke-width:5;stroke-linecap:round}
.trust{border:1px solid var(--rule);border-left:4px solid var(--warn);border-radius:0 10px 10px 0;padding:16px 22px;background:var(--panel)}
.trust ul{margin:6px 0 0;padding-left:20px}.trust li{margin:3px 0}
.cell{border-top:2px solid var(--rule);padding-top:18px;margin-top:36px;scroll-margin-top:8px}
@media screen{.cell{content-visibility:auto;contain-intrinsic-size:auto 1300px}}
.cell h3{font-size:18px}.cell h3 small{font-weight:400;font-size:inherit;color:var(--quiet)}
.cell .scroll{margin-top:12px}
.outcomes{display:flex;height:12px;margin:12px 0 8px;border-radius:4px;overflow:hidden;gap:1px}.outcomes i{min-width:3px;flex-basis:0}
.legend{list-style:none;margin:0;padding:0;font-size:13px;display:flex;flex-wrap:wrap;gap:2px 22px}.legend li{color:var(--quiet)}.legend b{color:var(--ink);font-weight:600}
.legend .swatch{margin-left:0}
.plain th,.plain td{font-size:13.5px;padding:4px 10px}.plain th:first-child{padding-left:0}
.plain.facts thead{position:absolute;clip-path:inset(50%)}
.plain.facts td:last-child{color:var(--quiet);width:45%}
.lost{font-size:13.5px}
details{margin:12px 0}summary{cursor:pointer;font-weight:600;font-size:13.5px}
.status{font-weight:600;white-space:nowrap}.status.measured{color:var(--quiet)}
.lifelines{min-width:860px;width:100%}
.life{stroke:var(--life);fill:none}.dot{fill:none;stroke-width:3.2;stroke-linecap:round;stroke-opacity:.75}.cross{fill:none;stroke-width:1.3}
.o-ok{--c:var(--ok)}.o-late{--c:var(--late)}.o-failed-known{--c:var(--failed)}.o-lost-result{--c:var(--lostresult)}.o-stuck{--c:var(--stuck)}.o-wrong{--c:var(--wrong)}.o-lost-everywhere{--c:var(--losteverywhere)}.o-not-offered{--c:var(--notoffered)}.o-cut{--c:var(--notoffered)}
i[class*="o-"]{background:var(--c)}path[class*="o-"]{stroke:var(--c)}
.fault{fill:var(--fault);fill-opacity:var(--faultalpha)}.fault.unproven{fill:none;stroke:var(--fault);stroke-dasharray:4 3}
.onset{stroke:var(--warn);stroke-width:1.5}.onset.over{stroke-width:1;stroke-opacity:.6;stroke-dasharray:3 3}.faultname{fill:var(--warn);font-weight:600}
.deadline{stroke:var(--quiet);stroke-dasharray:5 4}.lifelines text{paint-order:stroke;stroke:var(--bg);stroke-width:3px;stroke-linejoin:round}.strong{font-weight:650;fill:var(--ink)}
.c-0{--k:var(--k0)}.c-1{--k:var(--k1)}.c-2{--k:var(--k2)}.c-3{--k:var(--k3)}.c-4{--k:var(--k4)}.c-5{--k:var(--k5)}.c-6{--k:var(--k6)}.c-7{--k:var(--k7)}
.curve path{fill:none;stroke:var(--k);stroke-width:2;stroke-linejoin:round}.curve .name{fill:var(--k);font-weight:650;text-anchor:middle;font-size:12px}.curve:hover path{stroke-width:3.5}
.zero{stroke:var(--quiet);stroke-width:1}.ink{fill:var(--ink)}
.p-sending{--p:#8a929c}.p-accept{--p:#0072b2}.p-queueing{--p:#e69f00}.p-execution{--p:#009e73}.p-tools{--p:#56b4e9}.p-persistence{--p:#cc79a7}.p-interrupted{--p:#d55e00}.p-again{--p:#7b58b0}.p-delivery{--p:#e5d52f}.p-untold{--p:#3d444d}
rect[class^="p-"]{fill:var(--p)}i[class*="p-"]{background:var(--p)}.parts thead .swatch{margin:0 4px 0 0}
.story{display:none}.story:target{display:block}body:has(.story:target)>:not(#stories){display:none}#stories:not(:has(:target)){display:none}#stories{padding-top:20px;padding-bottom:40px}
.story nav{display:flex;flex-wrap:wrap;gap:4px 22px;margin-bottom:14px;font-size:14px}.story h2 small{font-weight:400;color:var(--quiet)}.story .plain td:nth-child(2){color:var(--quiet)}
.story .by-fault td,.story .by-fault th{font-weight:600}.story .by-fault td:last-child{background:rgb(242 193 78/.22)}.story{scroll-margin-top:24px}.gap td{text-align:center;color:var(--quiet)}
.lanes{min-width:700px;margin:12px 0}.mark{fill:var(--accent)}.mark.work{fill:var(--bar);stroke:var(--bg);stroke-width:.5}.mark.again{fill:var(--stuck)}.mark.node{fill:var(--warn)}
footer{margin-top:56px!important;padding-bottom:48px!important;border-top:1px solid var(--rule)}
@media screen and (max-width:760px){body>*{padding:0 16px}h1{font-size:23px}.question{font-size:15px}section{margin-top:30px}
.strip,.strip tbody,.strip tr,.strip td,.strip th{display:block;width:auto}.strip thead{position:absolute;clip-path:inset(50%)}
.strip tbody tr:not(.arm){display:grid;grid-template-columns:repeat(3,minmax(0,1fr));gap:2px 10px;padding:8px 0}.strip tbody tr:not(.arm)>*{padding:0!important;text-align:left;white-space:normal}
.strip tbody tr:not(.arm)>th{grid-column:1/3;font-weight:650;font-size:15px;overflow-wrap:anywhere}.strip .verdict{text-align:right!important}
.strip [data-label]::before{content:attr(data-label);display:block;font-size:11.5px;color:var(--quiet)}.strip .success strong{font-size:20px;line-height:1.2}.strip .of{grid-column:2/4}
.strip tbody .axis{order:9;grid-column:1/-1;margin-top:4px}.strip tbody .axis svg{width:100%}.parts tbody tr:not(.arm)>th{grid-column:1/-1}
.matrix td{min-width:128px}details.tile[open]{width:230px}.plain{width:max-content;min-width:100%}.plain td{max-width:250px}.plain tbody th,.plain thead th:first-child,.matrix tbody th{position:sticky;left:0;z-index:1;background:var(--bg);padding-right:8px;min-width:76px;max-width:38vw;white-space:normal;overflow-wrap:break-word}.plain thead th:first-child{max-width:none}
.panels{display:grid}.panels svg{width:100%}.story .plain{width:100%}.story .plain td:nth-child(2),.story .plain th:nth-child(2){display:none}.story .plain td:last-child{overflow-wrap:anywhere}}
@page{size:landscape;margin:11mm}
@media print{:root{--ink:#000}body{font-size:10.5px;line-height:1.35}body>*{max-width:none;padding:0}section{margin-top:16px}h1{font-size:20px}h2{font-size:15px;break-after:avoid}.question{font-size:13px}.top{padding:0}
.scroll{overflow:visible}.quiet,.note,footer,.lead,.legend,.key,.trust{font-size:9px;max-width:none;margin-top:4px}.lead{margin-bottom:4px}code{font-size:8.5px}.badge,.title .badge{font-size:9px;padding:0 6px}figcaption{font-size:10px}
.strip td,.strip tbody th,.plain th,.plain td{font-size:10px;padding:1px 5px}.strip thead th{font-size:9.5px;padding:2px 5px}.strip small{font-size:8.5px;line-height:1.1}.strip .arm th{padding:5px 5px 1px 0;font-size:10px}.strip tbody tr:not(.arm) td{padding-top:1px;padding-bottom:1px}.parts .axis,.parts .axis svg{width:170px;height:auto}.strip .success strong{font-size:11.5px}
.tile{min-height:0;padding:3px 7px;font-size:10px}.tile summary{font-size:10px}.tile summary>b{font-size:12px}.tile summary>b::after{content:""}.tile span,.tile em{font-size:9px}.matrix td{min-width:96px}.matrix th{font-size:10px}.matrix thead th{padding:1px 8px}.na{font-size:9px;padding:1px 7px!important;max-width:150px}.na small{font-size:8px;line-height:1.15}.cards{grid-template-columns:repeat(auto-fill,minmax(220px,1fr));gap:6px}.card h3{font-size:11px}.card p{font-size:9px;margin:2px 0 0}.card dl{margin:3px 0;gap:14px}.card dd{font-size:12px}.card dt{font-size:9px}.card svg{height:22px}
.panels{gap:6px 10px}.panels svg{width:234px;height:auto}.lifelines,.lanes{min-width:0}.card{padding:6px 10px}.trust{padding:8px 14px}
.card,figure,tr,svg,.tile{break-inside:avoid}#appendix{break-before:page}#appendix details::details-content{content-visibility:visible;height:auto}
body:has(.story:target) .story:target{display:block}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
`.trim()
