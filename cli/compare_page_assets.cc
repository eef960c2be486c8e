// SPDX-License-Identifier: Apache-2.0
#include "cli/compare_page.h"

namespace cygnet::cli {

const char* const kPageStyle = R"css(
:root{color-scheme:light dark;--page:#f7f7f5;--card:#fff;--ink:#1c1d1f;--soft:#5d6168;--line:#dfe0dc;
--a:#2467a8;--b:#c05a10;--bar:#c9ccd1;--bad:#b3261e;--badpage:#fdecea;--good:#1d6b3a;--goodpage:#e8f4ec}
@media(prefers-color-scheme:dark){:root{--page:#16181b;--card:#1f2226;--ink:#e8e9ea;--soft:#a0a5ad;
--line:#363a40;--a:#74b3f2;--b:#f2a35e;--bar:#4a4f57;--bad:#ff8a80;--badpage:#3a2020;--good:#82d3a0;
--goodpage:#1b3325}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",
Roboto,"DejaVu Sans",sans-serif;font-variant-numeric:tabular-nums}
main{max-width:1500px;margin:0 auto;padding:24px 24px 64px}
h1{font-size:24px;margin:0 0 12px}
h2{font-size:17px;margin:32px 0 10px}
p{margin:6px 0}
.soft{color:var(--soft)}
.models{display:grid;grid-template-columns:repeat(auto-fit,minmax(320px,1fr));gap:12px}
.card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 16px;min-width:0}
.model b{font-size:16px;overflow-wrap:anywhere}
.key{display:inline-block;width:22px;height:22px;border-radius:5px;color:var(--card);font-weight:700;
text-align:center;line-height:22px;margin-right:8px}
.key.a{background:var(--a)}.key.b{background:var(--b)}
.verdict{border-radius:8px;padding:12px 16px;margin:12px 0;font-weight:600;overflow-wrap:anywhere;
background:var(--goodpage);color:var(--good)}
.verdict.bad{background:var(--badpage);color:var(--bad)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:12px}
.tile .value{font-size:22px;font-weight:650}
.tile .name{color:var(--soft);font-size:13px}
.chart{overflow-x:auto}
.chart svg{display:block;width:100%;min-width:760px;height:auto}
.chart text{fill:var(--soft);font-size:11px}
.chart text.over{fill:var(--ink);paint-order:stroke;stroke:var(--card);stroke-width:4px}
.chart .grid{stroke:var(--line);stroke-width:1}
.chart .least{stroke:var(--bad);stroke-width:1;stroke-dasharray:5 4}
.chart .own{fill:var(--bar)}
.chart .own.bad{fill:var(--bad)}
.chart .sqnr{fill:none;stroke:var(--b);stroke-width:1.8;stroke-linejoin:round}
.chart .dot{fill:var(--b)}
.chart .hit{fill:transparent}
.chart .hit:hover{fill:var(--ink);fill-opacity:.08}
.legend{display:flex;gap:20px;flex-wrap:wrap;color:var(--soft);font-size:13px;margin-bottom:6px}
.swatch{display:inline-block;width:14px;height:10px;border-radius:2px;margin-right:6px}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:8px;background:var(--card)}
table{border-collapse:collapse;width:100%;font-size:13px}
th,td{padding:5px 8px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line)}
tr:last-child td{border-bottom:0}
th{position:sticky;top:0;background:var(--card);color:var(--soft);font-weight:600;z-index:1}
th button{all:unset;cursor:pointer;color:inherit}
th button:focus-visible{outline:2px solid var(--a)}
th[aria-sort=ascending] button::after{content:" ▲"}
th[aria-sort=descending] button::after{content:" ▼"}
td.text,th.text{text-align:left}
td.layer{max-width:320px;min-width:200px}
summary{cursor:pointer;margin:8px 0}
a{color:var(--a)}
td.layer .soft{font-size:12px}
td.layer bdi{display:block;overflow:hidden;text-overflow:ellipsis}
td.layer .why{white-space:normal;color:var(--bad)}
tr.bad td{background:var(--badpage)}
tr.bad td:first-child{box-shadow:inset 4px 0 var(--bad)}
tr:target td{outline:2px solid var(--a);outline-offset:-2px}
.hist{display:block;width:112px;height:30px}
.hist .ha{fill:var(--a);fill-opacity:.45}
.hist .hb{fill:none;stroke:var(--b);stroke-width:1.2;vector-effect:non-scaling-stroke}
.times{display:block;width:76px;height:18px}
.times .ta{fill:var(--a)}.times .tb{fill:var(--b)}
input{font:inherit;padding:5px 10px;border:1px solid var(--line);border-radius:6px;background:var(--card);
color:var(--ink);width:min(360px,100%)}
.bars td{border:0;padding:3px 8px}
.bars .bar{display:inline-block;height:14px;border-radius:3px;vertical-align:middle;min-width:2px}
#tip{position:fixed;display:none;max-width:460px;background:var(--ink);color:var(--page);padding:8px 12px;
border-radius:6px;font-size:13px;pointer-events:none;z-index:9;overflow-wrap:anywhere;white-space:pre-line}
)css";

const char* const kPageScript = R"js(
(function(){
  var table=document.getElementById('layers');
  if(table){
    var body=table.tBodies[0];
    table.tHead.addEventListener('click',function(event){
      var button=event.target.closest('button');
      if(!button)return;
      var head=button.parentNode,column=head.cellIndex,
          up=head.getAttribute('aria-sort')!=='ascending';
      Array.prototype.forEach.call(table.tHead.rows[0].cells,function(c){c.removeAttribute('aria-sort')});
      head.setAttribute('aria-sort',up?'ascending':'descending');
      var value=function(row){
        var cell=row.cells[column],v=cell.getAttribute('data-v');
        return v===null?cell.textContent:v===''?null:Number(v);
      };
      var rows=Array.prototype.map.call(body.rows,function(row,i){return{row:row,v:value(row),i:i}});
      rows.sort(function(x,y){
        if(x.v===null||y.v===null)return (x.v===null)-(y.v===null)||x.i-y.i;
        var order=x.v<y.v?-1:x.v>y.v?1:0;
        return (up?order:-order)||x.i-y.i;
      });
      rows.forEach(function(r){body.appendChild(r.row)});
    });
    var filter=document.getElementById('filter');
    filter.addEventListener('input',function(){
      var wanted=filter.value.toLowerCase();
      Array.prototype.forEach.call(body.rows,function(row){
        row.hidden=row.textContent.toLowerCase().indexOf(wanted)<0&&
                   row.title.toLowerCase().indexOf(wanted)<0;
      });
    });
  }
  var tip=document.getElementById('tip');
  document.addEventListener('mousemove',function(event){
    var of=event.target.closest&&event.target.closest('[data-tip]');
    if(!of){tip.style.display='none';return}
    tip.textContent=of.getAttribute('data-tip');
    tip.style.display='block';
    var x=event.clientX+14,y=event.clientY+14;
    if(x+tip.offsetWidth>innerWidth-8)x=event.clientX-tip.offsetWidth-14;
    if(y+tip.offsetHeight>innerHeight-8)y=event.clientY-tip.offsetHeight-14;
    tip.style.left=Math.max(x,8)+'px';
    tip.style.top=Math.max(y,8)+'px';
  });
})();
)js";

}  // namespace cygnet::cli
